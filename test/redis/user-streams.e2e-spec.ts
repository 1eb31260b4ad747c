import { redisBroker } from 'nestjs-simple-sse/redis';
import { filter, firstValueFrom } from 'rxjs';
import { createRedisBroker } from '../../src/broker/redis/create-redis-broker.js';
import { resolveRedisOptions } from '../../src/broker/redis/redis-broker-options.js';
import { limitedApp, metrics } from '../limits/limits-app.js';
import { express, fastify } from '../support/platforms.js';
import { eventually, pause, PATIENCE_MS, within } from '../support/within.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import type { SseBroker, UserStreamRule, UserStreamStore } from 'nestjs-simple-sse';
import type { SseLimitOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const LIMIT = 'maxStreamsPerUserOnAllNodes';
const TWO: UserStreamRule = { max: 2, whenFull: 'refuse' };
const KEY = 'sse:{0}:us:ann';
const as = (user: string): { headers: Record<string, string> } => ({ headers: { user } });

interface Node extends SseBroker {
  readonly userStreams: UserStreamStore;
}

describeWithRedis.each(['ioredis', 'redis'] as const)('streams of users in Redis, over %s,', (driver) => {
  let server: RedisServer;
  let nodes: Node[];

  /** A node whose lease lasts for `leaseMs` without a renewal. */
  async function node(url: string, leaseMs: number, heartbeatMs = 50): Promise<Node> {
    const options = resolveRedisOptions({ url, driver, publishTimeoutMs: 20_000 });
    const times = { heartbeatMs, leaseMs, claimMs: 1_000, cleanUpDelayMs: 100 };
    const broker = createRedisBroker(options, times) as Node;
    nodes.push(broker);
    await broker.start({ maxBytes: 1_000_000, limitsOf: () => false }, new RecordingListener());
    return broker;
  }
  /** The clients that are stored, in order of their names. */
  const stored = (): Promise<string> => {
    const script = `
      local clients = {}
      for _, each in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
        clients[#clients + 1] = string.match(each, '%S*$')
      end
      table.sort(clients)
      return table.concat(clients, ' ')`;
    return server.command('EVAL', script, '1', KEY);
  };
  const isAdded = async ({ userStreams }: Node, client: string): Promise<boolean> =>
    (await userStreams.add('ann', client, TWO)).isAdded;

  beforeEach(async () => {
    nodes = [];
    server = await RedisServer.start();
  });
  afterEach(async () => {
    await Promise.all(nodes.map((each) => each.close()));
    await server.dispose();
  });

  it('count no more once the lease of a dead node has expired, and again when the node comes back', async () => {
    const proxy = await BlackHoleProxy.start(server.port);
    try {
      const living = await node(server.url, 60_000);
      const dying = await node(proxy.url, 1_500);
      for (const client of ['c1', 'c2']) expect(await isAdded(dying, client)).toBe(true);
      expect(await isAdded(living, 'c3')).toBe(false);
      proxy.holdNew();
      proxy.cut();
      await eventually(() => isAdded(living, 'c3'), 'the expiry of the lease', PATIENCE_MS);
      expect(await isAdded(living, 'c4')).toBe(true);
      proxy.releaseNew();
      living.userStreams.remove('c3');
      living.userStreams.remove('c4');
      // The streams of the node that came back are in the set again, under its new lease.
      await eventually(async () => (await stored()) === 'c1 c2', 'c1 and c2', PATIENCE_MS);
      expect(await isAdded(living, 'c5')).toBe(false);
    } finally {
      proxy.close();
    }
  });

  it('outlast their lease while the node renews it, and leave nothing behind', async () => {
    const one = await node(server.url, 1_000);
    const other = await node(server.url, 60_000);
    for (const client of ['c1', 'c2']) expect(await isAdded(one, client)).toBe(true);
    const startMs = Date.now();
    await eventually(() => Date.now() - startMs > 1_500, 'more than the lease');
    // On a slow machine the lease may expire, after which the streams are stored again.
    await eventually(async () => !(await isAdded(other, 'c3')), 'a refusal');
    for (const client of ['c1', 'c2']) one.userStreams.remove(client);
    other.userStreams.remove('c3');
    await eventually(async () => {
      // The next stream removes those of a lease that has expired.
      await other.userStreams.add('ann', 'c4', TWO);
      other.userStreams.remove('c4');
      await pause(50);
      return (await server.command('EXISTS', KEY)) === ':0';
    }, 'no key of the user');
  });

  it('count again after Redis has lost all of its data', async () => {
    const one = await node(server.url, 60_000);
    const other = await node(server.url, 60_000);
    for (const client of ['c1', 'c2']) expect(await isAdded(one, client)).toBe(true);
    await server.command('FLUSHALL');
    await eventually(async () => (await server.command('ZCARD', KEY)) === ':2', 'c1 and c2', PATIENCE_MS);
    expect(await isAdded(other, 'c3')).toBe(false);
    await server.restart();
    await eventually(
      async () => (await server.command('ZCARD', KEY).catch(() => '')) === ':2',
      'c1 and c2 after the restart',
      PATIENCE_MS,
    );
  });

  it('count as soon as Redis can be reached where it was away, without those that have ended meanwhile', async () => {
    const one = await node(server.url, 60_000);
    expect(await isAdded(one, 'c1')).toBe(true);
    expect(await isAdded(one, 'c2')).toBe(true);
    await server.kill();
    await eventually(async () => {
      const added = one.userStreams.add('ann', 'c3', TWO);
      return (await added.catch((error: { code?: string }) => error.code)) === 'broker-unavailable';
    }, 'a rejection');
    one.userStreams.remove('c1');
    await server.launch();
    await eventually(
      async () => (await server.command('ZCARD', KEY).catch(() => '')) === ':2',
      'c2 and c3',
      PATIENCE_MS,
    );
    expect(await isAdded(one, 'c2')).toBe(true);
    expect(await isAdded(one, 'c3')).toBe(true);
    expect(await isAdded(one, 'c4')).toBe(false);
  });

  it('are stored again by the thousand, in parts, each at its place in the order', async () => {
    const one = await node(server.url, 60_000);
    const rule: UserStreamRule = { max: 2_000, whenFull: 'end-oldest' };
    const clients = Array.from({ length: 1_000 }, (_, n) => `c${n}`);
    for (const client of clients) await one.userStreams.add('ann', client, rule);
    await server.command('FLUSHALL');
    await eventually(
      async () => (await server.command('ZCARD', KEY)) === ':1000',
      'all of them',
      PATIENCE_MS,
    );
    const { tooMany } = await one.userStreams.add('ann', 'new', { ...rule, max: 998 });
    expect(tooMany).toEqual(['c0', 'c1', 'c2']);
  });
});

describeWithRedis.each([1, 3])(
  'the limit of streams of a user over two nodes, with %i partitions,',
  (partitions) => {
    let server: RedisServer;
    let nodes: [RunningApp, RunningApp];

    const brokerOver = (driver: 'ioredis' | 'redis') => redisBroker({ url: server.url, driver, partitions });
    async function start(limits: SseLimitOptions): Promise<void> {
      const options = { retryAfterMs: 2_000, ...limits };
      nodes = [
        await express.start(limitedApp(options, { broker: brokerOver('ioredis') })),
        await fastify.start(limitedApp(options, { broker: brokerOver('redis') })),
      ];
    }
    beforeEach(async () => {
      metrics.limits.length = 0;
      server = await RedisServer.start();
    });
    afterEach(async () => {
      await Promise.all(nodes.map((each) => each.close()));
      await server.dispose();
    });

    it('refuses the new stream at every node, and has room when one at any node has ended', async () => {
      await start({ [LIMIT]: 2 });
      const first = await nodes[0].listen('/stream', as('ada'));
      await nodes[1].listen('/stream', as('ada'));
      for (const node of nodes) {
        const refused = await node.open('/stream', { headers: { user: 'ada', accept: 'application/json' } });
        expect(refused.status).toBe(429);
        await node.listen('/stream', as('grace'));
      }
      first.close();
      await eventually(async () => {
        const stream = await nodes[1].open('/raw', as('ada'));
        return stream.isOpen && nodes[1].sse.count() === 3;
      }, 'room for a stream');
    });

    it('never has more streams of a user than the limit, of many that open at once at both nodes', async () => {
      await start({ [LIMIT]: 4 });
      const streams = await Promise.all(
        Array.from({ length: 40 }, (_, n) => (nodes[n % 2] as RunningApp).open('/stream', as('ada'))),
      );
      await eventually(() => metrics.limits.length === 36, '36 refusals');
      await eventually(() => streams.filter(({ isOpen }) => isOpen).length === 4, 'four open streams');
      expect(nodes[0].sse.count() + nodes[1].sse.count()).toBe(4);
    });

    it("ends the oldest stream at its node with atUserLimit: 'end-oldest'", async () => {
      await start({ [LIMIT]: 1, atUserLimit: 'end-oldest' });
      const reasons: string[] = [];
      nodes[0].sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
      const first = await nodes[0].listen('/stream', as('ada'));
      await nodes[0].listen('/stream', as('grace'));
      const second = await nodes[1].listen('/stream', as('ada'));
      expect(await within(first.ended, 'the end of the first')).toBe('whole');
      expect([reasons, first.retries.at(-1)]).toEqual([['replaced'], 86_400_000]);
      expect(second.isOpen).toBe(true);
      expect(nodes[0].sse.count()).toBe(1);
    });

    it('has room at once for the streams of a node that has closed', async () => {
      await start({ [LIMIT]: 1 });
      await nodes[0].listen('/stream', as('ada'));
      await nodes[0].close();
      await nodes[1].listen('/stream', as('ada'));
      await eventually(() => nodes[1].sse.count() === 1, 'the stream');
      expect(metrics.limits).toEqual([]);
    });

    it('opens streams while Redis is away, with one line for the storm', async () => {
      await start({ [LIMIT]: 1 });
      await server.kill();
      const isDown = nodes[0].sse.brokerState$.pipe(filter((state) => state === 'down'));
      await within(firstValueFrom(isDown), 'the outage');
      for (let n = 0; n < 3; n++) await nodes[0].listen('/stream', as('ada'));
      await eventually(() => nodes[0].sse.count() === 3, 'three streams');
      expect(metrics.limits).toEqual(Array(3).fill(`unchecked ${LIMIT}`));
      const lines = nodes
        .flatMap(({ logger }) => logger.lines)
        .filter(({ text }) => text.includes('was not checked'));
      expect(lines).toHaveLength(1);
    });
  },
);
