import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { describeWithRedis } from '../redis/redis-server.js';
import { EXACT_PRESENCE } from '../oracle/presence-judge.js';
import { EXACT_BETWEEN_GAPS, EXACT_WITHOUT_GAPS } from '../oracle/verdict.js';
import { chosenChaosSeed } from '../support/seeds.js';
import { Fleet } from './fleet.js';
import { runScenario, type ChaosVerdict } from './run-scenario.js';
import { SCENARIOS } from './scenarios.js';

/** Runs each scenario briefly over one library; `npm run test:chaos` runs long over both. `SSE_CHAOS_SEED` repeats a run. */
const isLong = process.env['SSE_CHAOS_MS'] !== undefined;
const durationMs = Number(process.env['SSE_CHAOS_MS'] ?? 1_200);
const seed = chosenChaosSeed();

describeWithRedis(`HTTP clients of three node processes (SSE_CHAOS_SEED=${seed})`, () => {
  const results: Record<string, string | number>[] = [];
  let fleet: Fleet;

  beforeAll(() => {
    fleet = new Fleet();
  });

  afterAll(async () => {
    await fleet.dispose();
    process.stdout.write(tableOf(results));
  });

  for (const [index, scenario] of SCENARIOS.entries()) {
    const drivers = scenario.drivers ?? (['redis', 'ioredis'] satisfies RedisDriverName[]);
    const chosen = isLong ? drivers : drivers.slice((seed + index) % drivers.length).slice(0, 1);
    it.each(chosen)(
      `lose nothing silently with ${scenario.name}, over %s`,
      async (driver) => {
        const startMs = performance.now();
        const verdict = await runScenario(scenario, { fleet, driver, seed: seed + index, durationMs });
        const seconds = Math.round((performance.now() - startMs) / 100) / 10;
        results.push({ scenario: scenario.name, driver, ...verdict, seconds });
        expect(verdict).toMatchObject(scenario.gaps === 'none' ? EXACT_WITHOUT_GAPS : EXACT_BETWEEN_GAPS);
        expect(verdict).toMatchObject(EXACT_PRESENCE);
        if (scenario.hasPresence === true) expect(verdict.presenceChanges).toBeGreaterThan(0);
        if (scenario.gaps === 'must' || scenario.gaps === 'loses') expect(verdict.gaps).toBeGreaterThan(0);
        if (scenario.gaps === 'loses') expect(verdict.announcedLosses).toBeGreaterThan(0);
      },
      durationMs + 180_000,
    );
  }
});

const COLUMNS: readonly (keyof ChaosVerdict)[] = [
  'published',
  'rejected',
  'deliveries',
  'resumes',
  'silentLosses',
  'duplicates',
  'duplicatesAfterGap',
  'repeatedAfterGap',
  'outOfOrder',
  'lateAfterGap',
  'foreign',
  'gaps',
  'announcedLosses',
  'presenceChanges',
  'presenceRepeats',
  'presenceDifferences',
];

function tableOf(results: readonly Record<string, string | number>[]): string {
  const heads = ['scenario', 'driver', ...COLUMNS, 'seconds'];
  const lines = [heads, ...results.map((result) => heads.map((head) => String(result[head])))];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const text = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return `SSE_CHAOS_SEED=${seed} SSE_CHAOS_MS=${durationMs}\n${text.join('\n')}\n`;
}
