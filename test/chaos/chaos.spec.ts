import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { describeWithRedis } from '../redis/redis-server.js';
import type { Verdict } from '../redis/verdict.js';
import { Fleet } from './fleet.js';
import { play } from './play.js';
import { ROWS } from './rows.js';

/** Short by default, one library a row; `npm run test:chaos` is long, over both. `SSE_CHAOS_SEED` repeats a run. */
const isLong = process.env['SSE_CHAOS_MS'] !== undefined;
const durationMs = Number(process.env['SSE_CHAOS_MS'] ?? 1_200);
const seed = Number(process.env['SSE_CHAOS_SEED'] ?? Date.now() % 1_000_000);

describeWithRedis(`three node processes and HTTP clients, under faults (SSE_CHAOS_SEED=${seed})`, () => {
  const played: Record<string, string | number>[] = [];
  let fleet: Fleet;

  beforeAll(() => {
    fleet = new Fleet();
  });

  afterAll(async () => {
    await fleet.dispose();
    process.stdout.write(tableOf(played));
  });

  for (const [index, row] of ROWS.entries()) {
    const drivers = row.drivers ?? (['redis', 'ioredis'] satisfies RedisDriverName[]);
    const chosen = isLong ? drivers : drivers.slice((seed + index) % drivers.length).slice(0, 1);
    it.each(chosen)(
      `${row.name}, over %s`,
      async (driver) => {
        const startMs = performance.now();
        const verdict = await play(row, { fleet, driver, seed: seed + index, durationMs });
        const seconds = Math.round((performance.now() - startMs) / 100) / 10;
        played.push({ row: row.name, driver, ...verdict, seconds });
        const { silentlyLost, duplicates, disorder } = verdict;
        expect({ silentlyLost, duplicates, disorder }).toEqual({
          silentlyLost: 0,
          duplicates: 0,
          disorder: 0,
        });
        if (row.gaps === 'none') expect([verdict.gaps, verdict.late]).toEqual([0, 0]);
        if (row.gaps === 'must' || row.gaps === 'loses') expect(verdict.gaps).toBeGreaterThan(0);
        if (row.gaps === 'loses') expect(verdict.announced).toBeGreaterThan(0);
      },
      durationMs + 180_000,
    );
  }
});

const COLUMNS: readonly (keyof Verdict)[] = [
  'published',
  'rejected',
  'delivered',
  'resumes',
  'silentlyLost',
  'duplicates',
  'disorder',
  'late',
  'gaps',
  'announced',
];

function tableOf(played: readonly Record<string, string | number>[]): string {
  const heads = ['row', 'driver', ...COLUMNS, 'seconds'];
  const lines = [heads, ...played.map((figures) => heads.map((head) => String(figures[head])))];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const text = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return `SSE_CHAOS_SEED=${seed} SSE_CHAOS_MS=${durationMs}\n${text.join('\n')}\n`;
}
