import { PartitionedCursor } from '../../src/rooms/partitioned-cursor.js';
import type { SseFrame } from '../../src/protocol/sse-frame.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { express, fastify } from '../support/platforms.js';
import { chosenSeed, runOracle, type Figures } from './oracle.js';
import { Partitions } from './partitions.js';
import { RestlessBroker } from './restless-broker.js';

const SCALE = Number(process.env['ORACLE_SCALE'] ?? 1);
const EXACT = { silentLosses: 0, duplicates: 0, disorder: 0, foreign: 0 };
const LONG_HISTORY = { historyMaxEvents: 100_000, historyMaxBytes: 2 ** 31 };

const methods = PartitionedCursor.prototype as unknown as {
  hasReceivedCopy: () => boolean;
  advance: (this: PartitionedCursor, frame: SseFrame, live: boolean) => SseFrame | undefined;
};

function tell(title: string, figures: Figures): void {
  process.stdout.write(`${title}: ${JSON.stringify(figures)}\n`);
}

describe('what pages hear of a broker with partitions, some events in several of them', () => {
  const seed = chosenSeed();

  const restless = (events: number, pages?: number): Promise<Figures> =>
    runOracle({
      platform: fastify,
      seed,
      events,
      pages,
      closeEvery: 10,
      options: {
        ...LONG_HISTORY,
        maxQueuedBytes: 65_536,
        broker: new Partitions(5, (partition) => new RestlessBroker(seededRandom(seed + partition), 0.01)),
      },
    });

  it(
    `is everything, once, in the order of each partition (SEED=${seed})`,
    async () => {
      const figures = await runOracle({
        platform: express,
        seed,
        events: 8_000 * SCALE,
        options: { ...LONG_HISTORY, maxQueuedBytes: 131_072, broker: new Partitions(4) },
      });
      tell('4 partitions', figures);
      expect(figures).toMatchObject({ ...EXACT, gaps: 0, announcedLosses: 0 });
      expect(figures.deliveries).toBeGreaterThan(40_000 * SCALE);
      expect(figures.resumes).toBeGreaterThan(100);
    },
    120_000 * SCALE,
  );

  it(
    `is the same where each takes its time and fails now and then (SEED=${seed})`,
    async () => {
      const figures = await restless(8_000 * SCALE);
      tell('5 restless partitions', figures);
      expect(figures).toMatchObject({ ...EXACT, gaps: 0, announcedLosses: 0 });
      expect(figures.deliveries).toBeGreaterThan(40_000 * SCALE);
      expect(figures.resumes).toBeGreaterThan(100);
    },
    120_000 * SCALE,
  );

  it(
    `is everything or an announced gap where history is short (SEED=${seed})`,
    async () => {
      const figures = await runOracle({
        platform: express,
        seed,
        events: 4_000 * SCALE,
        options: { historyMaxEvents: 12, historyMaxBytes: 2_000_000, broker: new Partitions(3) },
      });
      tell('3 partitions, short history', figures);
      expect(figures).toMatchObject(EXACT);
      expect(figures.announcedLosses).toBeGreaterThan(0);
    },
    120_000 * SCALE,
  );

  it(`is seen to be told twice by a node that does not know of copies (SEED=${seed})`, async () => {
    const { hasReceivedCopy } = methods;
    methods.hasReceivedCopy = () => false;
    try {
      const figures = await restless(2_000, 30);
      tell('mutant without copies', figures);
      expect(figures.duplicates).toBeGreaterThan(100);
    } finally {
      methods.hasReceivedCopy = hasReceivedCopy;
    }
  });

  it(`is seen to be lost where every client counts as live, and stands where its node stands (SEED=${seed})`, async () => {
    const { advance } = methods;
    methods.advance = function (frame) {
      return advance.call(this, frame, true);
    };
    try {
      const figures = await restless(2_000, 30);
      tell('mutant that takes every client for live', figures);
      expect(figures.silentLosses).toBeGreaterThan(0);
    } finally {
      methods.advance = advance;
    }
  });
});
