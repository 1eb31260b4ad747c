import { seededRandom } from '../../src/testing/seeded-random.js';
import { express, fastify } from '../support/platforms.js';
import { FlakyBroker } from './flaky-broker.js';
import { chosenSeed } from '../support/seeds.js';
import { expiringRooms, runHttpOracle } from './http-oracle.js';
import { EXACT, EXACT_WITHOUT_GAPS, logVerdict } from './verdict.js';

/** Multiplies the number of events; 10 for a nightly run. */
const SCALE = Number(process.env['ORACLE_SCALE'] ?? 1);
const LONG_MS = 120_000 * SCALE;

/** A history that covers every absence, so that no client may receive a gap. */
const LONG_HISTORY = { historyMaxEvents: 100_000, historyMaxBytes: 2 ** 31 };

describe('clients that lose their connection and resume at random', () => {
  const seed = chosenSeed();

  it(
    `receive every event once and in order (SEED=${seed})`,
    async () => {
      const verdict = await runHttpOracle({
        platform: express,
        seed,
        events: 24_000 * SCALE,
        options: { ...LONG_HISTORY, maxQueuedBytes: 131_072 },
      });
      logVerdict('express, memory', verdict);
      expect(verdict).toMatchObject(EXACT_WITHOUT_GAPS);
      expect(verdict.deliveries).toBeGreaterThan(150_000 * SCALE);
      expect(verdict.resumes).toBeGreaterThan(500);
      expect(verdict.reasons['slow-consumer']).toBeGreaterThan(0);
    },
    LONG_MS,
  );

  it(
    `receive every event once and in order with a slow and failing broker and streams that the application closes (SEED=${seed})`,
    async () => {
      const verdict = await runHttpOracle({
        platform: fastify,
        seed,
        events: 12_000 * SCALE,
        closeEvery: 10,
        options: {
          ...LONG_HISTORY,
          maxQueuedBytes: 65_536,
          broker: new FlakyBroker(seededRandom(seed), 0.02),
        },
      });
      logVerdict('fastify, flaky broker', verdict);
      expect(verdict).toMatchObject(EXACT_WITHOUT_GAPS);
      expect(verdict.deliveries).toBeGreaterThan(70_000 * SCALE);
      expect(verdict.resumes).toBeGreaterThan(500);
      expect(verdict.reasons.closed).toBeGreaterThan(20);
      expect(verdict.reasons['broker-unavailable']).toBeGreaterThan(5);
    },
    LONG_MS,
  );

  it(
    `receive every event or a gap where history is short (SEED=${seed})`,
    async () => {
      const verdict = await runHttpOracle({
        platform: express,
        seed,
        events: 8_000 * SCALE,
        options: { historyMaxEvents: 12, historyMaxBytes: 2_000_000 },
      });
      logVerdict('short history', verdict);
      expect(verdict).toMatchObject(EXACT);
      expect(verdict.announcedLosses).toBeGreaterThan(100);
      expect(verdict.gaps).toBeGreaterThan(20);
      expect(verdict.deliveries).toBeGreaterThan(30_000 * SCALE);
    },
    LONG_MS,
  );

  it(
    `receive every event or a gap where history expires (SEED=${seed})`,
    async () => {
      const verdict = await runHttpOracle(expiringRooms(seed));
      logVerdict('expiring rooms', verdict);
      expect(verdict).toMatchObject(EXACT);
      expect(verdict.announcedLosses).toBeGreaterThan(0);
      expect(verdict.resumes).toBeGreaterThan(50);
    },
    LONG_MS,
  );
});
