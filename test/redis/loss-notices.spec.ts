import { jest } from '@jest/globals';
import type { HistoryPolicy } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { AcceptedRooms } from '../../src/broker/redis/failover/accepted-rooms.js';
import { BrokerNode } from '../oracle/broker-node.js';
import { eventually } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 1, limitsOf: () => ({ maxEvents: 256, maxAgeMs: 60_000 }) };
const EPOCH = 'abcdef01';

interface Watched extends BrokerNode {
  /** Rooms of all gaps that the node has reported. */
  readonly gaps: string[];
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'a node that published to a former master, over %s',
  (driver) => {
    let server: RedisServer;
    let left: Watched;
    let other: Watched;

    beforeEach(async () => {
      server = await RedisServer.start();
      [left, other] = [await startNode(), await startNode()];
    });

    afterEach(async () => {
      jest.restoreAllMocks();
      await Promise.all([left, other].map(({ broker }) => broker.close()));
      await server.dispose();
    });

    async function startNode(): Promise<Watched> {
      const node = new BrokerNode(redisBroker({ url: server.url, driver }), policy);
      const gaps: string[] = [];
      node.clients.add({
        receive: () => {},
        receiveEpoch: () => gaps.push('epoch'),
        receiveGap: (rooms) => gaps.push(...rooms),
      });
      await node.start();
      await Promise.all(['a', 'b', 'c'].map((room) => node.join(room)));
      return Object.assign(node, { gaps });
    }

    async function serverUs(): Promise<number> {
      const script = "local t = redis.call('TIME') return string.format('%.0f', t[1] * 1000000 + t[2])";
      return Number(await server.command('EVAL', script, '0'));
    }

    /** Begins an epoch, as a new master does, and waits until both nodes follow it. */
    async function beginEpoch(beganUs: number): Promise<void> {
      await server.command('HSET', 'sse:{0}:m', 'e', EPOCH, 'b', `${beganUs}`);
      await publish(other, ['c']);
      await eventually(() => [left, other].every(({ broker }) => broker.epoch === EPOCH), 'the epoch');
    }

    it('reports the rooms of its events to all nodes, and to clients that resume there later', async () => {
      const beganUs = await serverUs();
      await publish(left, ['a']);
      await beginEpoch(beganUs);
      const { position } = other.broker;
      await publish(other, ['a', 'b'], 'before the notice');
      // The reply names an epoch that the node has not published in before.
      await publish(left, ['c']);
      await eventually(() => [left, other].every(({ gaps }) => gaps.includes('a')), 'the live gaps');
      expect(other.gaps).toEqual(['epoch', 'a']);
      await publish(other, ['a', 'b'], 'after the notice');

      const page = await other.broker.read(['a', 'b'], position);
      expect(page.incompleteRooms).toEqual(['a']);
      expect(page.messages.map(({ data }) => data)).toEqual(['before the notice', 'after the notice']);
      const lostUpTo = page.lostUpTo?.get('a') as number;
      expect((await other.broker.read(['a', 'b'], lostUpTo)).incompleteRooms).toEqual([]);
      expect((await left.broker.read(['a'], undefined, 5)).messages.map(({ data }) => data)).not.toContain(
        '',
      );
    });

    it('reports the loss in the page with the notice, where pages of history are cut short', async () => {
      const beganUs = await serverUs();
      await publish(left, ['a']);
      await beginEpoch(beganUs);
      const { position } = other.broker;
      for (let n = 0; n < 40; n++) await publish(other, ['a'], `before ${n}`);
      await publish(left, ['c']);
      await eventually(() => other.gaps.includes('a'), 'the notice');
      for (let n = 0; n < 40; n++) await publish(other, ['a'], `after ${n}`);

      const pages = [];
      for (let after = position, hasMore = true; hasMore;) {
        const page = await other.broker.read(['a'], after, 0, { maxBytes: 500 });
        pages.push(page);
        after = page.position;
        hasMore = page.hasMore === true;
      }
      const data = pages.flatMap(({ messages }) => messages.map((message) => message.data));
      expect(data).toHaveLength(80);
      expect(pages.length).toBeGreaterThan(20);
      const losses = new Set(pages.flatMap(({ lostUpTo }) => lostUpTo?.get('a') ?? []));
      expect(losses.size).toBe(1);
      const [lostUpTo] = losses;
      const withLoss = pages.findIndex(({ incompleteRooms }) => incompleteRooms.length > 0);
      const newestBefore = pages[withLoss - 1]?.position as number;
      expect(newestBefore).toBeLessThan(lostUpTo as number);
      expect(pages[withLoss]?.position).toBeGreaterThanOrEqual(lostUpTo as number);
    });

    it('reports nothing for events that were accepted before the new epoch began', async () => {
      // A minute earlier, which no slow round trip makes up for.
      // oxlint-disable-next-line typescript/unbound-method
      const { add } = AcceptedRooms.prototype;
      const early = jest.spyOn(AcceptedRooms.prototype, 'add').mockImplementation(function (
        this: AcceptedRooms,
        ...[names, epoch]
      ) {
        add.call(this, names, epoch, performance.now() - 60_000);
      });
      await publish(left, ['a']);
      early.mockRestore();
      await beginEpoch(await serverUs());
      await publish(left, ['c']);
      // The check, and then a notice, would be sent on the same connection before the last of these events.
      for (let n = 0; n < 3; n++) await publish(left, ['b']);
      expect(await server.command('XLEN', 'sse:{0}:s:a')).toBe(':1');
      expect(other.gaps).toEqual(['epoch']);
    });

    it('begins another epoch, a gap for all rooms, where more than 1,000 rooms are concerned', async () => {
      const beganUs = await serverUs();
      const rooms = Array.from({ length: 1_001 }, (_, n) => `room ${n}`);
      for (let start = 0; start < rooms.length; start += 100) {
        await publish(left, rooms.slice(start, start + 100));
      }
      await beginEpoch(beganUs);
      await publish(left, ['c']);
      await eventually(() => [left, other].every(({ broker }) => broker.epoch !== EPOCH), 'another epoch');
      expect(other.gaps).toEqual(['epoch', 'epoch']);
    });
  },
);

function publish({ broker }: BrokerNode, rooms: readonly string[], data = 'x'): Promise<unknown> {
  return broker.publish(rooms, { data, serialized: false }, {});
}
