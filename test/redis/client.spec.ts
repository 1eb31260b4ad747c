import { Redis } from 'ioredis';
import type { HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions } from 'nestjs-simple-sse/redis';
import { createClient, createSentinel } from 'redis';
import { eventually } from '../support/within.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 1_000, maxAgeMs: 60_000 }) };

let prefixes = 0;

/** Publishes one event through a broker, receives it and reads it. */
async function useBroker(options: RedisBrokerOptions): Promise<void> {
  const listener = new RecordingListener();
  const broker = redisBroker({ prefix: `client-${prefixes++}`, ...options }) as SseBroker;
  await broker.start(policy, listener);
  try {
    await broker.subscribe('a');
    await broker.publish(['a'], { data: 'text', serialized: false }, {});
    await eventually(() => listener.texts.length === 1, 'the event');
    const { messages } = await broker.read(['a'], undefined, 5);
    expect(messages.map(({ data }) => data)).toEqual(['text']);
  } finally {
    await broker.close();
  }
}

async function start(client: unknown): Promise<void> {
  const options = { client } as RedisBrokerOptions;
  await (redisBroker(options) as SseBroker).start(policy, new RecordingListener());
}

describeWithRedis('redisBroker', () => {
  let server: RedisServer;

  beforeEach(async () => {
    server = await RedisServer.start();
  });

  afterEach(() => server.dispose());

  it('does not use or close the given ioredis client itself', async () => {
    const client = new Redis(server.url, { keyPrefix: 'app:' });
    await client.set('mine', '1');
    await useBroker({ client });
    expect(client.status).toBe('ready');
    expect(await client.get('mine')).toBe('1');
    expect(await client.exists('sse:{0}:m')).toBe(0);
    client.disconnect();
  });

  it('does not use or close the given node-redis client itself', async () => {
    const client = createClient({ url: server.url });
    await client.connect();
    await client.set('mine', '1');
    await useBroker({ client });
    expect(client.isReady).toBe(true);
    expect(await client.get('mine')).toBe('1');
    client.destroy();
  });

  it('does not connect the given client itself', async () => {
    const ioredis = new Redis(server.url, { lazyConnect: true });
    await useBroker({ client: ioredis });
    expect(ioredis.status).toBe('wait');
    const nodeRedis = createClient({ url: server.url });
    await useBroker({ client: nodeRedis });
    expect(nodeRedis.isOpen).toBe(false);
  });

  it.each<[string, () => Redis]>([
    ['no offline queue', () => new Redis(server.url, { enableOfflineQueue: false })],
    ['a limit of retries', () => new Redis(server.url, { maxRetriesPerRequest: 1 })],
    [
      'lazy connections and a key prefix',
      () => new Redis(server.url, { lazyConnect: true, keyPrefix: 'app:' }),
    ],
  ])('takes the settings of an ioredis client with %s', async (_settings, create) => {
    const client = create();
    await useBroker({ client });
    client.disconnect();
  });

  it('takes the settings of an ioredis client that is subscribed', async () => {
    const client = new Redis(server.url);
    await client.subscribe('elsewhere');
    await useBroker({ client });
    client.disconnect();
  });

  it.each([
    ['RESP 2', { RESP: 2 as const }],
    ['RESP 3', { RESP: 3 as const }],
    ['no offline queue', { disableOfflineQueue: true }],
  ])('takes the settings of a node-redis client with %s', async (_settings, options) => {
    const client = createClient({ url: server.url, ...options });
    await useBroker({ client });
    expect(client.isOpen).toBe(false);
  });

  it('takes the settings of a node-redis client that is subscribed', async () => {
    const client = createClient({ url: server.url });
    await client.connect();
    await client.subscribe('elsewhere', () => {});
    await useBroker({ client });
    client.destroy();
  });

  it('chooses an installed library for a URL', async () => {
    await useBroker({ url: server.url });
  });

  it('delivers no events from one database of a server to another', async () => {
    const listener = new RecordingListener();
    const other = redisBroker({ url: `${server.url}/1`, driver: 'ioredis' });
    await other.start(policy, listener);
    await other.subscribe('a');
    await useBroker({ url: `${server.url}/0`, driver: 'redis', prefix: 'sse' });
    await useBroker({ url: `${server.url}/2`, driver: 'redis', prefix: 'sse' });
    expect(listener.texts).toEqual([]);
    await other.close();
  });

  it('unsubscribes from a room some seconds after its last client has left', async () => {
    const broker = redisBroker({ url: server.url, driver: 'ioredis' });
    await broker.start(policy, new RecordingListener());
    const subscribers = (room: string): Promise<string> =>
      server.command('EVAL', `return redis.call('PUBSUB', 'SHARDNUMSUB', 'sse:{0}:c:${room}')[2]`, '0');
    await Promise.all(['gone', 'back', 'occupied'].map(async (room) => broker.subscribe(room)));
    await broker.unsubscribe('gone');
    await broker.unsubscribe('back');
    await broker.subscribe('back');
    expect(await subscribers('gone')).toBe(':1');
    await eventually(async () => (await subscribers('gone')) === ':0', 'the end of the subscription');
    expect([await subscribers('back'), await subscribers('occupied')]).toEqual([':1', ':1']);
    await broker.close();
  });

  it('leaves no connection open after close()', async () => {
    await useBroker({ url: server.url, driver: 'redis' });
    await useBroker({ url: server.url, driver: 'ioredis' });
    const clients = async (): Promise<string> => server.command('INFO', 'clients');
    // The one connection is that of the command itself.
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
    [{ url: 'redis://localhost', partition: 2 }, 'Did you mean "partitions"?'],
  ])('refuses the options %j', (options, message) => {
    expect(() => redisBroker(options as RedisBrokerOptions)).toThrow(message);
  });

  it('names no password in an error about a URL', () => {
    expect(() => redisBroker({ url: 'rediss//:secret@host' })).toThrow(/^(?!.*secret)/);
  });

  describe('refuses', () => {
    it('a client of neither library', async () => {
      await expect(start({ duplicate: () => {} })).rejects.toThrow('a client of ioredis or node-redis');
    });

    it('a Sentinel client of node-redis', async () => {
      const sentinel = createSentinel({ name: 'a', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] });
      // In version 5.0 it has no `duplicate`, so it is refused as no client at all.
      await expect(start(sentinel)).rejects.toMatchObject({ code: 'invalid-options' });
      await expect(start(Object.assign(sentinel, { duplicate: () => {} }))).rejects.toThrow('Sentinel');
    });

    it('a cluster client of node-redis before 5.6, whose options cannot be read', async () => {
      const cluster = { duplicate() {}, sendCommand() {}, isOpen: false, nodeClient() {} };
      await expect(start(cluster)).rejects.toThrow('5.6');
    });
  });
});
