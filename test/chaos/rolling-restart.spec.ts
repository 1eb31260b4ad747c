import { readFileSync } from 'node:fs';
import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { EXACT_WITHOUT_GAPS, logVerdict } from '../oracle/verdict.js';
import { missingProxy } from '../proxies/proxy-process.js';
import { describeWithRedis } from '../redis/redis-server.js';
import { compileApp } from '../support/compiled-app.js';
import { describeUnless } from '../support/describe-unless.js';
import { chosenChaosSeed } from '../support/seeds.js';
import { rollingRestart, type RollingOptions, type RollingVerdict } from './rolling/rolling-restart.js';

/** Runs briefly; `npm run test:rolling` runs long, over both libraries. `SSE_CHAOS_SEED` repeats a run. */
const isLong = process.env['SSE_ROLLING_MS'] !== undefined;
const windowMs = Number(process.env['SSE_ROLLING_MS'] ?? 3_000);
const clients = isLong ? 600 : 120;
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
  return rollingRestart({ main: compiled.main, seed, driver, clients, restarts: 3, ...options });
}

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
            expect(verdict.connects).toBeGreaterThan(2 * clients);
            peak = verdict.peak;
          }
          expect(peak).toBeLessThanOrEqual(MAX_PEAK);
        },
        10 * windowMs + 600_000,
      );

      it('without a window brings the clients back together, which the measure shows', async () => {
        let peak = 0;
        for (let attempt = 1; attempt <= MAX_RUNS && peak <= MAX_PEAK; attempt++) {
          const verdict = await run({ drainWindowMs: 0, judgedWindowMs: windowMs, restarts: 1 });
          logVerdict('without a window', verdict);
          expect(verdict).toMatchObject({ ...EXACT_WITHOUT_GAPS, deadClients: 0 });
          peak = verdict.peak;
        }
        expect(peak).toBeGreaterThan(MAX_PEAK);
      }, 300_000);

      it('loses clients where a draining node refuses with a status, which the verdict shows', async () => {
        const verdict = await run({ drainWindowMs: windowMs, restarts: 1, mutant: 'refuses with a status' });
        logVerdict('refusals with a status', verdict);
        expect(verdict.deadClients).toBeGreaterThan(0);
        expect(verdict.silentLosses).toBeGreaterThan(0);
      }, 300_000);
    },
  );
});
