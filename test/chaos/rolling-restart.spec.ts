import { readFileSync } from 'node:fs';
import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { EXACT_WITHOUT_GAPS, logVerdict } from '../oracle/verdict.js';
import { missingProxy } from '../proxies/proxy-process.js';
import { describeWithRedis } from '../redis/redis-server.js';
import { compileApp } from '../support/compiled-app.js';
import { describeUnless } from '../support/describe-unless.js';
import { chosenChaosSeed } from '../support/seeds.js';
import { peakOf } from './rolling/connects.js';
import { rollingRestart, type RollingOptions, type RollingVerdict } from './rolling/rolling-restart.js';

/**
 * Runs briefly, with two restarts and a mutant; `npm run test:rolling` runs long, over both libraries, and without a window too.
 * `SSE_CHAOS_SEED` repeats a run.
 */
const isLong = process.env['SSE_ROLLING_MS'] !== undefined;
const windowMs = Number(process.env['SSE_ROLLING_MS'] ?? 2_000);
const clients = isLong ? 600 : 90;
const restarts = isLong ? 3 : 2;
const itLong = isLong ? it : it.skip;
const seed = chosenChaosSeed();
const drivers: readonly RedisDriverName[] = ['redis', 'ioredis'];

/** The most connects within a second, as a multiple of the even rate. */
const MAX_PEAK = 2;
/** Runs of which one must have a low peak, or a high one without a window: a machine with other work moves connects. */
const MAX_RUNS = 3;

let compiled: ReturnType<typeof compileApp>;

function run(
  options: Partial<RollingOptions> & Pick<RollingOptions, 'drainWindowMs'>,
): Promise<RollingVerdict> {
  const driver = drivers[seed % 2] ?? 'redis';
  return rollingRestart({ main: compiled.main, seed, driver, clients, restarts, ...options });
}

it('the peak of connects is 1 for an even rate, and high where they come together', () => {
  const even = Array.from({ length: 400 }, (_, n) => n * 10);
  expect(peakOf(even, 4_000)).toBeCloseTo(1, 1);
  const together = even.map((time) => time / 8);
  expect(peakOf(together, 4_000)).toBeGreaterThan(MAX_PEAK);
  // A machine that stood still for a second brings the connects of that second together.
  expect(peakOf(together, 4_000, 1_000)).toBeLessThanOrEqual(MAX_PEAK);
});

describeWithRedis('with redis', () => {
  describeUnless(
    missingProxy('nginx'),
    `a rolling restart of three nodes behind nginx (SSE_CHAOS_SEED=${seed})`,
    () => {
      beforeAll(() => {
        compiled = compileApp(readFileSync('test/chaos/rolling/main.ts', 'utf8'));
      });
      afterAll(() => compiled.remove());

      it.each(isLong ? drivers : drivers.slice(seed % 2).slice(0, 1))(
        'loses, repeats and reorders nothing, and spreads the connects over the window, over %s',
        async (driver) => {
          let peak = Infinity;
          for (let attempt = 1; attempt <= MAX_RUNS && peak > MAX_PEAK; attempt++) {
            const verdict = await run({ driver, drainWindowMs: windowMs });
            logVerdict('rolling restart', verdict);
            expect(verdict).toMatchObject({ ...EXACT_WITHOUT_GAPS, deadClients: 0 });
            // Each restart brings back about a third of them.
            expect(verdict.connects).toBeGreaterThan(clients * (1 + restarts / 4));
            peak = verdict.peak;
          }
          expect(peak).toBeLessThanOrEqual(MAX_PEAK);
        },
        10 * windowMs + 600_000,
      );

      itLong(
        'without a window brings the clients back together, which the measure shows',
        async () => {
          let peak = 0;
          for (let attempt = 1; attempt <= MAX_RUNS && peak <= MAX_PEAK; attempt++) {
            const verdict = await run({ drainWindowMs: 0, judgedWindowMs: windowMs, restarts: 1 });
            logVerdict('without a window', verdict);
            expect(verdict).toMatchObject({ ...EXACT_WITHOUT_GAPS, deadClients: 0 });
            peak = verdict.peak;
          }
          expect(peak).toBeGreaterThan(MAX_PEAK);
        },
        300_000,
      );

      it('loses clients where a draining node refuses with a status, which the verdict shows', async () => {
        const verdict = await run({ drainWindowMs: windowMs, restarts: 1, mutant: 'refuses with a status' });
        logVerdict('refusals with a status', verdict);
        expect(verdict.deadClients).toBeGreaterThan(0);
        expect(verdict.silentLosses).toBeGreaterThan(0);
      }, 300_000);
    },
  );
});
