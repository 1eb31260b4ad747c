import { jest } from '@jest/globals';
import { chosenSeed } from '../support/seeds.js';

// Pages of few events, so that a resume reads many of them, between live events, cuts and trimming.
jest.unstable_mockModule('../../src/rooms/resume/page-bytes.js', () => ({
  PageReads: class {
    readonly maxBytes = 1_000;
  },
}));

const { MissedEvents } = await import('../../src/rooms/resume/missed-events.js');
const { AnnouncedLosses } = await import('../../src/rooms/resume/announced-losses.js');
const { seededRandom } = await import('../../src/testing/seeded-random.js');
const { HashedPartitions } = await import('../support/hashed-partitions.js');
const { express, fastify } = await import('../support/platforms.js');
const { FlakyBroker } = await import('./flaky-broker.js');
const { runHttpOracle } = await import('./http-oracle.js');
const { EXACT, EXACT_WITHOUT_GAPS, logVerdict } = await import('./verdict.js');

type Verdict = Awaited<ReturnType<typeof runHttpOracle>>;

const SCALE = Number(process.env['ORACLE_SCALE'] ?? 1);
const LONG_MS = 120_000 * SCALE;
const LONG_HISTORY = { historyMaxEvents: 100_000, historyMaxBytes: 2 ** 31, maxQueuedBytes: 65_536 };
const SHORT_HISTORY = { historyMaxEvents: 12, rooms: { 'room-1*': { historyMaxEvents: 400 } } };

describe('clients that resume page by page', () => {
  const seed = chosenSeed();

  const withLongHistory = (events: number): Promise<Verdict> =>
    runHttpOracle({
      platform: fastify,
      seed,
      events,
      closeEvery: 10,
      options: { ...LONG_HISTORY, broker: new FlakyBroker(seededRandom(seed), 0.01) },
    });

  const withShortHistory = (events: number): Promise<Verdict> =>
    runHttpOracle({ platform: express, seed, events, options: SHORT_HISTORY });

  it(
    `receive every event once and in order (SEED=${seed})`,
    async () => {
      const verdict = await withLongHistory(8_000 * SCALE);
      logVerdict('pages', verdict);
      expect(verdict).toMatchObject(EXACT_WITHOUT_GAPS);
      expect(verdict.resumes).toBeGreaterThan(100);
    },
    LONG_MS,
  );

  it(
    `receive every event or a gap where history is trimmed between two pages (SEED=${seed})`,
    async () => {
      const verdict = await withShortHistory(6_000 * SCALE);
      logVerdict('pages of a short history', verdict);
      expect(verdict).toMatchObject(EXACT);
      expect(verdict.announcedLosses).toBeGreaterThan(100);
    },
    LONG_MS,
  );

  it(
    `receive every event once from a broker with partitions (SEED=${seed})`,
    async () => {
      const verdict = await runHttpOracle({
        platform: express,
        seed,
        events: 6_000 * SCALE,
        closeEvery: 10,
        options: {
          ...LONG_HISTORY,
          broker: new HashedPartitions(3, (each) => new FlakyBroker(seededRandom(seed + each), 0.01)),
        },
      });
      logVerdict('pages of three partitions', verdict);
      expect(verdict).toMatchObject(EXACT_WITHOUT_GAPS);
      expect(verdict.resumes).toBeGreaterThan(100);
    },
    LONG_MS,
  );

  it(
    `receive every event of several partitions once or a gap of each of its rooms (SEED=${seed})`,
    async () => {
      const verdict = await runHttpOracle({
        platform: express,
        seed,
        events: 4_000 * SCALE,
        multiRoomShare: 0.5,
        options: { ...SHORT_HISTORY, broker: new HashedPartitions(3) },
      });
      logVerdict('pages of three partitions, short history', verdict);
      expect(verdict).toMatchObject({ silentLosses: 0, duplicates: 0, duplicatesAfterGap: 0, foreign: 0 });
      expect(verdict.announcedLosses).toBeGreaterThan(0);
    },
    LONG_MS,
  );

  it(`are found to lose events where a resume ends after its first page (SEED=${seed})`, async () => {
    const hasMore = jest.spyOn(MissedEvents.prototype, 'hasMore', 'get').mockReturnValue(false);
    try {
      const verdict = await withLongHistory(2_000);
      logVerdict('mutant that reads one page', verdict);
      expect(verdict.silentLosses).toBeGreaterThan(0);
    } finally {
      hasMore.mockRestore();
    }
  });

  it(`are found to lose events where no loss counts as new (SEED=${seed})`, async () => {
    const takeNew = jest.spyOn(AnnouncedLosses.prototype, 'takeNew').mockReturnValue([]);
    try {
      const verdict = await withShortHistory(2_000);
      logVerdict('mutant that announces no loss', verdict);
      expect(verdict.silentLosses).toBeGreaterThan(0);
    } finally {
      takeNew.mockRestore();
    }
  });
});
