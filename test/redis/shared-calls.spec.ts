import { jest } from '@jest/globals';
import type { HistoryPage, HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { CountedReads } from './counted-reads.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const ROOMS = 60;
const seed = Number(process.env['SSE_CHAOS_SEED'] ?? Date.now() % 1_000_000);

const policy: HistoryPolicy = {
  maxBytes: 2 ** 26,
  limitsOf: (room) => ({ maxEvents: room.endsWith('7') ? 3 : 1_000, maxAgeMs: 60_000 }),
};

function belowOf(start: number): (limit: number) => number {
  const random = seededRandom(start);
  return (limit) => Math.floor(random() * limit);
}

/** Publishes events of random rooms and sizes. @returns their positions */
async function publishEvents(broker: SseBroker, count: number, maxChars: number): Promise<number[]> {
  const below = belowOf(seed);
  const roomOf = (): string => `room ${below(ROOMS)}`;
  const positions: number[] = [];
  for (let n = 0; n < count; n++) {
    const data = `${n} ${'x'.repeat(below(maxChars))}`;
    const rooms = [...new Set(n % 3 === 0 ? [roomOf(), roomOf()] : [roomOf()])];
    const { position } = await broker.publish(rooms, { data, serialized: false }, {});
    positions.push(position);
  }
  return positions;
}

/** Everything of a page that does not depend on the moment of its read. */
const contentOf = ({ epoch, position, hasMore, messages, incompleteRooms, lostUpTo }: HistoryPage) => ({
  epoch,
  cut: hasMore === true ? position : undefined,
  events: messages.map((message) => [message.position, message.rooms, message.data]),
  incompleteRooms,
  // Of a room that never had an event it depends on the time.
  lostUpTo: [...(lostUpTo ?? [])].filter(([room]) => room !== 'none'),
});

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  `reads of one turn (SEED=${seed}), over %s`,
  (driver) => {
    let server: RedisServer;
    let reads: CountedReads;
    const brokers: SseBroker[] = [];

    beforeEach(async () => {
      server = await RedisServer.start();
      reads = new CountedReads();
    });

    afterEach(async () => {
      jest.restoreAllMocks();
      await Promise.all(brokers.splice(0).map((broker) => broker.close()));
      await server.dispose();
    });

    async function startBroker(): Promise<SseBroker> {
      const broker = redisBroker({ url: server.url, driver });
      brokers.push(broker);
      await broker.start(policy, new RecordingListener());
      return broker;
    }

    it('are few calls, whose pages are those that each read has alone', async () => {
      const broker = await startBroker();
      const positions = await publishEvents(broker, 600, 400);
      const below = belowOf(seed + 1);
      const requests = Array.from({ length: 50 }, (_, n) => ({
        rooms: [`room ${n}`, `room ${below(ROOMS)}`, 'none'],
        after: n % 10 === 0 ? 1 : (positions[below(positions.length)] as number),
        maxBytes: 200 + below(20_000),
      }));
      const read = async ({ rooms, after, maxBytes }: (typeof requests)[number]): Promise<HistoryPage> =>
        broker.read(rooms, after, 0, { maxBytes });
      const before = reads.count;
      const together = await Promise.all(requests.map(read));
      expect(reads.count - before).toBeLessThanOrEqual(2);
      const alone: HistoryPage[] = [];
      for (const request of requests) alone.push(await read(request));
      expect(together.map(contentOf)).toEqual(alone.map(contentOf));
      expect(together.some(({ hasMore }) => hasMore === true)).toBe(true);
      expect(together.some(({ incompleteRooms }) => incompleteRooms.length > 0)).toBe(true);
    });

    it('of more bytes than one answer may have are several calls, with the same pages', async () => {
      const broker = await startBroker();
      await publishEvents(broker, 300, 30_000);
      const read = async (n: number): Promise<HistoryPage> =>
        broker.read([`room ${n}`, `room ${n + 1}`], 1, 0, { maxBytes: 131_072 });
      const numbers = Array.from({ length: 40 }, (_, n) => n);
      const before = reads.count;
      const together = await Promise.all(numbers.map(read));
      const bytes = together.flatMap(({ messages }) => messages.map(({ data }) => data.length));
      const total = bytes.reduce((sum, each) => sum + each, 0);
      // 1 MiB a call at most.
      expect(reads.count - before).toBeGreaterThanOrEqual(Math.floor(total / 1_048_576));
      expect(reads.count - before).toBeLessThanOrEqual(Math.ceil((2 * total) / 1_048_576));
      expect(total).toBeGreaterThan(2 * 1_048_576);
      const alone: HistoryPage[] = [];
      for (const n of numbers) alone.push(await read(n));
      expect(together.map(contentOf)).toEqual(alone.map(contentOf));
    });

    it('fail alone, where the history of one of their rooms was overwritten by another program', async () => {
      const broker = await startBroker();
      await publishEvents(broker, 100, 100);
      await server.command('SET', 'sse:{0}:s:broken', 'no stream');
      const outcomes = await Promise.allSettled(
        ['room 1', 'broken', 'room 2'].map(async (room) => broker.read([room], 1)),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    });
  },
);
