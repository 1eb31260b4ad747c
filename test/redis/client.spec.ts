import { Redis } from 'ioredis';
import type { HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions } from 'nestjs-simple-sse/redis';
import { createClient, createSentinel } from 'redis';
import { eventually } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 1_000, maxAgeMs: 60_000 }) };

let prefixes = 0;

/** Publishes one event through a broker and hears it. */
async function useBroker(options: RedisBrokerOptions): Promise<void> {
  const heard: string[] = [];
  const broker = redisBroker({ prefix: `client-${prefixes++}`, ...options }) as SseBroker;
  await broker.start(policy, {
    onMessage: ({ data }) => heard.push(data),
    onStateChange: () => {},
    onEpochChange: () => {},
    onGap: () => {},
  });
  try {
    await broker.subscribe('a');
    await broker.publish(['a'], { data: 'heard', serialized: false }, {});
    await eventually(() => heard.length === 1, 'the event');
    const { messages } = await broker.read(['a'], undefined, 5);
    expect(messages.map(({ data }) => data)).toEqual(['heard']);
  } finally {
    await broker.close();
  }
}

describeWithRedis('where the connections come from', () => {
  let server: RedisServer;

  beforeEach(async () => {
    server = await RedisServer.start();
  });

  afterEach(() => server.dispose());

  it('leaves an ioredis client alone', async () => {
    const client = new Redis(server.url, { keyPrefix: 'app:' });
    await client.set('mine', '1');
    await useBroker({ client });
    expect(client.status).toBe('ready');
    expect(await client.get('mine')).toBe('1');
    expect(await client.exists('sse:{0}:m')).toBe(0);
    client.disconnect();
  });

  it('leaves a node-redis client alone', async () => {
    const client = createClient({ url: server.url });
    await client.connect();
    await client.set('mine', '1');
    await useBroker({ client });
    expect(client.isReady).toBe(true);
    expect(await client.get('mine')).toBe('1');
    client.destroy();
  });

  it('does not connect a client', async () => {
    const ioredis = new Redis(server.url, { lazyConnect: true });
    await useBroker({ client: ioredis });
    expect(ioredis.status).toBe('wait');
    const nodeRedis = createClient({ url: server.url });
    await useBroker({ client: nodeRedis });
    expect(nodeRedis.isOpen).toBe(false);
  });

  it('takes an installed library for a url', async () => {
    await useBroker({ url: server.url });
  });

  it('keeps two databases of one server apart', async () => {
    const heard: string[] = [];
    const other = redisBroker({ url: `${server.url}/1`, driver: 'ioredis' });
    await other.start(policy, {
      onMessage: ({ data }) => heard.push(data),
      onStateChange: () => {},
      onEpochChange: () => {},
      onGap: () => {},
    });
    await other.subscribe('a');
    await useBroker({ url: `${server.url}/0`, driver: 'redis', prefix: 'sse' });
    await useBroker({ url: `${server.url}/2`, driver: 'redis', prefix: 'sse' });
    expect(heard).toEqual([]);
    await other.close();
  });

  it('unsubscribes a room some seconds after the last has left it', async () => {
    const broker = redisBroker({ url: server.url, driver: 'ioredis' });
    await broker.start(policy, { onMessage() {}, onStateChange() {}, onEpochChange() {}, onGap() {} });
    const subscribers = (room: string): Promise<string> =>
      server.command('EVAL', `return redis.call('PUBSUB', 'SHARDNUMSUB', 'sse:{0}:c:${room}')[2]`, '0');
    await Promise.all(['gone', 'back', 'kept'].map(async (room) => broker.subscribe(room)));
    await broker.unsubscribe('gone');
    await broker.unsubscribe('back');
    await broker.subscribe('back');
    expect(await subscribers('gone')).toBe(':1');
    await eventually(async () => (await subscribers('gone')) === ':0', 'the end of the subscription');
    expect([await subscribers('back'), await subscribers('kept')]).toEqual([':1', ':1']);
    await broker.close();
  });

  it('leaves no connection open', async () => {
    await useBroker({ url: server.url, driver: 'redis' });
    await useBroker({ url: server.url, driver: 'ioredis' });
    const clients = async (): Promise<string> => server.command('INFO', 'clients');
    // The connection that asks.
    await eventually(async () => (await clients()).includes('connected_clients:1\r'), 'one connection');
  });

  it.each([
    [{}, 'either a `client`'],
    [{ url: 'http://localhost' }, 'redis://'],
    [{ url: 'redis://localhost', client: { duplicate: () => {} } }, 'either a `client`'],
    [{ url: 'redis://localhost', prefix: 'a{b}' }, 'braces'],
    [{ url: 'redis://localhost', onFailover: 'maybe' }, "'gap' or 'trust'"],
    [{ url: 'redis://localhost', publishTimeoutMs: 0 }, 'whole number'],
    [{ url: 'redis://localhost', nonsense: 1 }, 'no option "nonsense"'],
  ])('refuses %j', (options, message) => {
    expect(() => redisBroker(options as RedisBrokerOptions)).toThrow(message);
  });

  it('never names the password of a url', () => {
    expect(() => redisBroker({ url: 'rediss//:secret@host' })).toThrow(/^(?!.*secret)/);
  });

  describe('refuses', () => {
    const listener = { onMessage() {}, onStateChange() {}, onEpochChange() {}, onGap() {} };
    const start = async (client: unknown): Promise<void> => {
      const options = { client } as RedisBrokerOptions;
      await (redisBroker(options) as SseBroker).start(policy, listener);
    };

    it('a client that is neither', async () => {
      await expect(start({ duplicate: () => {} })).rejects.toThrow('a client of ioredis or node-redis');
    });

    it('one of node-redis for Sentinels', async () => {
      const sentinel = createSentinel({ name: 'a', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] });
      // In version 5.0 it cannot be duplicated and is refused as no client at all.
      await expect(start(sentinel)).rejects.toMatchObject({ code: 'invalid-options' });
      await expect(start(Object.assign(sentinel, { duplicate: () => {} }))).rejects.toThrow('Sentinel');
    });

    it('a cluster client whose options it cannot read, as those of node-redis before 5.6', async () => {
      const cluster = { duplicate() {}, sendCommand() {}, isOpen: false, nodeClient() {} };
      await expect(start(cluster)).rejects.toThrow('5.6');
    });
  });
});
