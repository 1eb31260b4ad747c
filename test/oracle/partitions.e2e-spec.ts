import { LostCopies } from '../../src/rooms/partitions/lost-copies.js';
import { PartitionedCursor } from '../../src/rooms/partitions/partitioned-cursor.js';
import type { SseFrame } from '../../src/protocol/sse-frame.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { HashedPartitions } from '../support/hashed-partitions.js';
import { LeadingBroker } from '../support/leading-broker.js';
import { express, fastify } from '../support/platforms.js';
import { FlakyBroker } from './flaky-broker.js';
import { chosenSeed } from '../support/seeds.js';
import { runHttpOracle, type HttpVerdict } from './http-oracle.js';
import { EXACT, EXACT_WITHOUT_GAPS, logVerdict } from './verdict.js';

const SCALE = Number(process.env['ORACLE_SCALE'] ?? 1);
/** How far the clock of each partition leads that of the next, in the runs with clocks that differ. */
const CLOCK_LEAD_MS = Number(process.env['ORACLE_CLOCK_LEAD_MS'] ?? 20);
const LONG_HISTORY = { historyMaxEvents: 100_000, historyMaxBytes: 2 ** 31 };

const methods = PartitionedCursor.prototype as unknown as {
  hasReceivedCopy: () => boolean;
  advance: (this: PartitionedCursor, frame: SseFrame, live: boolean) => SseFrame | undefined;
};

const losses = LostCopies.prototype as unknown as { has: () => boolean };

describe('clients of a broker with partitions, with events in several of them', () => {
  const seed = chosenSeed();

  const runFlaky = (events: number, clients?: number): Promise<HttpVerdict> =>
    runHttpOracle({
      platform: fastify,
      seed,
      events,
      clients,
      closeEvery: 10,
      options: {
        ...LONG_HISTORY,
        maxQueuedBytes: 65_536,
        broker: new HashedPartitions(5, (partition) => new FlakyBroker(seededRandom(seed + partition), 0.01)),
      },
    });

  const runWithShortHistory = (
    events: number,
    multiRoomShare: number,
    clockLeadMs = 0,
  ): Promise<HttpVerdict> =>
    runHttpOracle({
      platform: express,
      seed,
      events,
      multiRoomShare,
      options: {
        historyMaxEvents: 12,
        rooms: { 'room-1*': { historyMaxEvents: 400 } },
        broker: new HashedPartitions(3, (partition) => new LeadingBroker((2 - partition) * clockLeadMs)),
      },
    });

  it(
    `receive every event once and in the order of its partition (SEED=${seed})`,
    async () => {
      const verdict = await runHttpOracle({
        platform: express,
        seed,
        events: 8_000 * SCALE,
        options: { ...LONG_HISTORY, maxQueuedBytes: 131_072, broker: new HashedPartitions(4) },
      });
      logVerdict('4 partitions', verdict);
      expect(verdict).toMatchObject(EXACT_WITHOUT_GAPS);
      expect(verdict.deliveries).toBeGreaterThan(40_000 * SCALE);
      expect(verdict.resumes).toBeGreaterThan(100);
    },
    120_000 * SCALE,
  );

  it(
    `receive every event once and in order where each partition is slow and fails at random (SEED=${seed})`,
    async () => {
      const verdict = await runFlaky(8_000 * SCALE);
      logVerdict('5 flaky partitions', verdict);
      expect(verdict).toMatchObject(EXACT_WITHOUT_GAPS);
      expect(verdict.deliveries).toBeGreaterThan(40_000 * SCALE);
      expect(verdict.resumes).toBeGreaterThan(100);
    },
    120_000 * SCALE,
  );

  it(
    `receive every event in order or a gap where history is short (SEED=${seed})`,
    async () => {
      const verdict = await runWithShortHistory(4_000 * SCALE, 0);
      logVerdict('3 partitions, short history', verdict);
      expect(verdict).toMatchObject(EXACT);
      expect(verdict.announcedLosses).toBeGreaterThan(0);
    },
    120_000 * SCALE,
  );

  it(
    `receive every event of several partitions once or a gap of each of its rooms (SEED=${seed})`,
    async () => {
      const verdict = await runWithShortHistory(4_000 * SCALE, 0.5);
      logVerdict('3 partitions, short history, half of the events in several rooms', verdict);
      // The copy that replaces one inside a gap comes in the order of its own partition.
      expect(verdict).toMatchObject({ silentLosses: 0, duplicates: 0, duplicatesAfterGap: 0, foreign: 0 });
      expect(verdict.announcedLosses).toBeGreaterThan(0);
    },
    120_000 * SCALE,
  );

  it(
    `receive every event once or a gap of each of its rooms where the clocks of partitions differ (SEED=${seed})`,
    async () => {
      const verdict = await runWithShortHistory(4_000 * SCALE, 0.5, CLOCK_LEAD_MS);
      logVerdict(`3 partitions, short history, clocks that differ by ${CLOCK_LEAD_MS} ms`, verdict);
      expect(verdict).toMatchObject({ silentLosses: 0, duplicates: 0, duplicatesAfterGap: 0, foreign: 0 });
      expect(verdict.announcedLosses).toBeGreaterThan(0);
    },
    120_000 * SCALE,
  );

  it(`are found to receive duplicates from a node that ignores copies (SEED=${seed})`, async () => {
    const { hasReceivedCopy } = methods;
    methods.hasReceivedCopy = () => false;
    try {
      const verdict = await runFlaky(2_000, 30);
      logVerdict('mutant without copies', verdict);
      expect(verdict.duplicates).toBeGreaterThan(20);
    } finally {
      methods.hasReceivedCopy = hasReceivedCopy;
    }
  });

  it(`are found to lose events that a node takes for received in spite of a gap (SEED=${seed})`, async () => {
    const has = losses.has;
    losses.has = () => false;
    try {
      const verdict = await runWithShortHistory(4_000, 0.5);
      logVerdict('mutant that forgets lost copies', verdict);
      expect(verdict.silentLosses).toBeGreaterThan(0);
    } finally {
      losses.has = has;
    }
  });

  it(`are found to lose events on a node that gives every client its own position (SEED=${seed})`, async () => {
    const { advance } = methods;
    methods.advance = function (frame) {
      return advance.call(this, frame, true);
    };
    try {
      const verdict = await runFlaky(2_000, 30);
      logVerdict('mutant that treats every client as live', verdict);
      expect(verdict.silentLosses).toBeGreaterThan(0);
    } finally {
      methods.advance = advance;
    }
  });
});
