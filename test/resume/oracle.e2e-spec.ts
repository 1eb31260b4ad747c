import { seededRandom } from '../../src/testing/seeded-random.js';
import { express, fastify } from '../support/platforms.js';
import { forgetfulRooms } from './forgetful-rooms.js';
import { chosenSeed, runOracle, type Figures } from './oracle.js';
import { RestlessBroker } from './restless-broker.js';

/** Ten for a night's run. */
const SCALE = Number(process.env['ORACLE_SCALE'] ?? 1);
const LONG_MS = 120_000 * SCALE;

/** Nothing that a page can lose, hear twice or hear out of order. */
const EXACT = { silentLosses: 0, duplicates: 0, disorder: 0, foreign: 0 };

/** Enough history for every absence: nothing may be missing at all. */
const LONG_HISTORY = { historyMaxEvents: 100_000, historyMaxBytes: 2 ** 31 };

function tell(title: string, figures: Figures): void {
  process.stdout.write(`${title}: ${JSON.stringify(figures)}\n`);
}

describe('what pages hear that drop and resume at random', () => {
  const seed = chosenSeed();

  it(
    `is everything, once, in order (SEED=${seed})`,
    async () => {
      const figures = await runOracle({
        platform: express,
        seed,
        events: 24_000 * SCALE,
        options: { ...LONG_HISTORY, maxQueuedBytes: 131_072 },
      });
      tell('express, memory', figures);
      expect(figures).toMatchObject({ ...EXACT, gaps: 0, announcedLosses: 0 });
      expect(figures.deliveries).toBeGreaterThan(150_000 * SCALE);
      expect(figures.resumes).toBeGreaterThan(500);
      expect(figures.reasons['slow-consumer']).toBeGreaterThan(0);
    },
    LONG_MS,
  );

  it(
    `is the same with a broker that takes its time, fails now and then, and streams that the application closes (SEED=${seed})`,
    async () => {
      const figures = await runOracle({
        platform: fastify,
        seed,
        events: 12_000 * SCALE,
        closeEvery: 10,
        options: {
          ...LONG_HISTORY,
          maxQueuedBytes: 65_536,
          broker: new RestlessBroker(seededRandom(seed), 0.02),
        },
      });
      tell('fastify, restless broker', figures);
      expect(figures).toMatchObject({ ...EXACT, gaps: 0, announcedLosses: 0 });
      expect(figures.deliveries).toBeGreaterThan(70_000 * SCALE);
      expect(figures.resumes).toBeGreaterThan(500);
      expect(figures.reasons.closed).toBeGreaterThan(20);
      expect(figures.reasons['broker-unavailable']).toBeGreaterThan(5);
    },
    LONG_MS,
  );

  it(
    `is everything or an announced gap where history is short (SEED=${seed})`,
    async () => {
      const figures = await runOracle({
        platform: express,
        seed,
        events: 8_000 * SCALE,
        options: { historyMaxEvents: 12, historyMaxBytes: 2_000_000 },
      });
      tell('short history', figures);
      expect(figures).toMatchObject(EXACT);
      expect(figures.announcedLosses).toBeGreaterThan(100);
      expect(figures.gaps).toBeGreaterThan(20);
      expect(figures.deliveries).toBeGreaterThan(30_000 * SCALE);
    },
    LONG_MS,
  );

  it(
    `is everything or an announced gap where rooms are forgotten (SEED=${seed})`,
    async () => {
      const figures = await runOracle(forgetfulRooms(seed));
      tell('rooms forgotten', figures);
      expect(figures).toMatchObject(EXACT);
      expect(figures.announcedLosses).toBeGreaterThan(0);
      expect(figures.resumes).toBeGreaterThan(50);
    },
    LONG_MS,
  );
});
