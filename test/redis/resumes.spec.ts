import { jest } from '@jest/globals';
import type { HistoryPolicy } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { eventually } from '../support/within.js';
import { CountedReads } from './counted-reads.js';
import { Follower } from './follower.js';
import { OracleNode } from './oracle-node.js';
import { judge } from './oracle.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 256, maxAgeMs: 60_000 }) };
const rooms = ['a', 'b', '*'];
const texts = (n: number, what: string): string[] => Array.from({ length: n }, (_, at) => `${what} ${at}`);

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'resumes that spare Redis, over %s',
  (driver) => {
    let server: RedisServer;
    let reads: CountedReads;
    const nodes: OracleNode[] = [];

    beforeEach(async () => {
      server = await RedisServer.start();
      reads = new CountedReads();
    });

    afterEach(async () => {
      jest.restoreAllMocks();
      await Promise.all(nodes.splice(0).map(({ broker }) => broker.close()));
      await server.dispose();
    });

    async function startNode(): Promise<OracleNode> {
      const node = new OracleNode(redisBroker({ url: server.url, driver }), policy);
      nodes.push(node);
      await node.start();
      return node;
    }

    it('a storm after a cut of the subscriber is answered from memory, whole and in order', async () => {
      const [node, other] = [await startNode(), await startNode()];
      const followers = await attached(node, 100);
      for (const text of texts(5, 'heard')) await publish(other, text);
      await eventually(() => followers.every(({ told }) => told.length === 5), 'the first events');
      for (const follower of followers) follower.leave();
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await eventually(() => node.states.includes('down'), 'the cut');
      for (const text of texts(5, 'missed')) await publish(other, text, ['b', 'a']);
      await eventually(() => node.state === 'live', 'live');

      const before = reads.count;
      await Promise.all(followers.map((follower) => follower.attachTo(node)));
      expect(reads.count - before).toBe(0);
      await publish(other, 'last');
      const expected = [...texts(5, 'heard'), ...texts(5, 'missed'), 'last'];
      await eventually(() => followers.every(({ told }) => told.length >= expected.length), 'all events');
      for (const follower of followers) expect(toldTo(follower)).toEqual(expected);
    });

    it('a storm to a node that has just begun asks for the same history a few times, not for each client', async () => {
      const node = await startNode();
      const followers = await attached(node, 100);
      await publish(node, 'heard');
      await eventually(() => followers.every(({ told }) => told.length === 1), 'the first event');
      for (const follower of followers) follower.leave();
      for (const text of texts(5, 'missed')) await publish(node, text);

      const late = await startNode();
      const before = reads.count;
      // A few at a time, while events go on.
      for (let n = 0; n < 10; n++) {
        await Promise.all(followers.slice(10 * n, 10 * n + 10).map((follower) => follower.attachTo(late)));
        await publish(node, `meanwhile ${n}`);
      }
      expect(reads.count - before).toBeGreaterThan(0);
      expect(reads.count - before).toBeLessThanOrEqual(20);
      const expected = ['heard', ...texts(5, 'missed'), ...texts(10, 'meanwhile')];
      await eventually(() => followers.every(({ told }) => told.length >= expected.length), 'all events');
      for (const follower of followers) expect(toldTo(follower)).toEqual(expected);
    });

    it('of clients that come back to any node while subscribers are cut, six in ten need no read at least', async () => {
      const verdict = await judge({
        seed: 20_261_125,
        createBroker: () => redisBroker({ url: server.url, driver }),
        fault: async ({ followers }) => {
          const resumed = (): number => followers.reduce((sum, { resumes }) => sum + resumes, 0);
          for (let cuts = 1; cuts <= 4; cuts++) {
            await eventually(() => resumed() >= 60 * cuts, 'more resumes', 60_000);
            await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
          }
        },
      });
      const { silentlyLost, duplicates, disorder, gaps, resumes } = verdict;
      expect({ silentlyLost, duplicates, disorder, gaps }).toEqual({
        silentlyLost: 0,
        duplicates: 0,
        disorder: 0,
        gaps: 0,
      });
      expect(resumes).toBeGreaterThan(20);
      // The nodes' own reading after each cut counts too.
      expect(reads.count / resumes).toBeLessThan(0.4);
    });
  },
);

async function publish(node: OracleNode, data: string, to: readonly string[] = ['a']): Promise<void> {
  await node.broker.publish(to, { data, serialized: false }, {});
}

async function attached(node: OracleNode, count: number): Promise<Follower[]> {
  const followers = Array.from({ length: count }, () => new Follower(rooms, () => node));
  await Promise.all(followers.map((follower) => follower.attachTo(node)));
  return followers;
}

function toldTo(follower: Follower): string[] {
  return follower.told.map((one) => (one.kind === 'event' ? one.text : 'gap'));
}
