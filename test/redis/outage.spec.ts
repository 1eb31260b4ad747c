import type { HistoryPolicy, PublishReceipt, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { eventually, pause, within } from '../support/within.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, freePort, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 1_000, maxAgeMs: 60_000 }) };

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'a broker while Redis is unavailable, over %s',
  (driver) => {
    let server: RedisServer;
    let listener: RecordingListener;
    const open: SseBroker[] = [];

    beforeEach(async () => {
      server = await RedisServer.start();
      listener = new RecordingListener();
    });

    afterEach(async () => {
      await Promise.all(open.splice(0).map((broker) => broker.close()));
      await server.dispose();
    });

    const broker = (options: RedisBrokerOptions = {}): SseBroker => {
      const created = redisBroker({
        url: server.url,
        driver,
        publishTimeoutMs: 400,
        connectTimeoutMs: 500,
        probeIntervalMs: 200,
        ...options,
      }) as SseBroker;
      open.push(created);
      return created;
    };

    it('starts, rejects publishes in time, and recovers by itself', async () => {
      await server.kill();
      const node = broker();
      await within(node.start(policy, listener), 'the start');
      expect(listener.states).toEqual(['down']);
      let subscribed = false;
      const subscribing = Promise.resolve(node.subscribe('a')).then(() => (subscribed = true));
      const reading = node.read(['a'], undefined, 10);
      const refused = expect(publish(node, 'lost')).rejects.toMatchObject({ code: 'broker-unavailable' });
      await within(refused, 'the rejection');
      expect(subscribed).toBe(false);

      await server.launch();
      await within(subscribing, 'the subscription');
      expect(listener.states.at(-1)).toBe('live');
      expect((await within(reading, 'the read')).messages).toEqual([]);
      const { epoch, replayable } = await publish(node, 'found');
      await eventually(() => listener.texts.includes('found'), 'the event');
      expect(replayable).toBe(true);
      // The epoch before the connection was a placeholder.
      expect(listener.epochs).toEqual([epoch]);
      expect(node.epoch).toBe(epoch);
    });

    it('refuses to start with requireBroker', async () => {
      await server.kill();
      const start = broker({ requireBroker: true }).start(policy, listener);
      await expect(within(start, 'the rejection')).rejects.toMatchObject({ code: 'broker-unavailable' });
    });

    it('starts while Redis accepts connections and does not reply', async () => {
      server.freeze();
      const node = broker();
      await within(node.start(policy, listener), 'the start');
      expect(listener.states).toEqual(['down']);
      server.thaw();
      await eventually(() => listener.states.at(-1) === 'live', 'live');
    });

    it('rejects a publish in time while Redis is frozen, and is live again afterwards', async () => {
      const node = broker();
      await node.start(policy, listener);
      await node.subscribe('a');
      server.freeze();
      const refused = expect(publish(node, 'frozen')).rejects.toMatchObject({ code: 'broker-unavailable' });
      await within(refused, 'the rejection');
      await eventually(() => listener.states.at(-1) === 'down', 'down');
      server.thaw();
      await eventually(() => listener.states.at(-1) === 'live', 'live');
      await publish(node, 'after');
      await eventually(() => listener.texts.includes('after'), 'the event');
      expect(listener.gaps).toEqual([]);
      expect(listener.epochs).toEqual([]);
    });

    it('queues at most maxBufferedBytes of publishes', async () => {
      // A publish over the limit is rejected at once, before the others time out.
      const node = broker({ maxBufferedBytes: 10_000, publishTimeoutMs: 2_000 });
      await node.start(policy, listener);
      await server.kill();
      await eventually(() => listener.states.at(-1) === 'down', 'down');
      const outcomes = Array.from({ length: 20 }, () => publish(node, 'x'.repeat(1_000)).catch(String));
      const first = await within(Promise.race(outcomes), 'an immediate rejection');
      expect(first).toContain('More than 10000 bytes wait');
      await Promise.all(outcomes);
    });

    it('publishes an event once that it sends again after a lost connection', async () => {
      const node = broker({ publishTimeoutMs: 30_000 });
      await node.start(policy, listener);
      await node.subscribe('a');
      server.freeze();
      const publishing = publish(node, 'once', 'key');
      await pause(50);
      server.thaw();
      await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
      const receipt = await publishing;
      expect(await publish(node, 'once', 'key')).toEqual({ ...receipt, duplicate: true });
      await eventually(() => listener.states.at(-1) === 'live', 'live');
      await publish(node, 'end');
      await eventually(() => listener.texts.includes('end'), 'the last');
      expect(listener.texts).toEqual(['once', 'end']);
    });

    it('rejects a whole publish while Redis is out of memory, and still answers reads', async () => {
      const node = broker();
      await node.start(policy, listener);
      await node.subscribe('a');
      const { position } = await publish(node, 'first');
      await server.command('CONFIG', 'SET', 'maxmemory', '1000000');
      await expect(publish(node, 'refused')).rejects.toThrow(/OOM/);
      const page = await node.read(['a'], position);
      expect([page.messages, page.incompleteRooms]).toEqual([[], []]);
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
      const next = await publish(node, 'next');
      expect(next.position).toBeGreaterThan(page.position);
      await eventually(() => listener.texts.includes('next'), 'the event');
      expect(listener.texts).toEqual(['first', 'next']);
      expect(listener.states.at(-1)).toBe('live');
    });

    it('preserves the order of publishes that are not awaited while Redis loses its scripts', async () => {
      const node = broker({ publishTimeoutMs: 30_000 });
      await node.start(policy, listener);
      await node.subscribe('a');
      const sent: Promise<unknown>[] = [];
      for (let n = 0; n < 200; n++) {
        if (n % 50 === 25) await server.command('SCRIPT', 'FLUSH');
        sent.push(publish(node, String(n)));
      }
      await Promise.all(sent);
      await eventually(() => listener.texts.length === 200, 'all events');
      expect(listener.texts).toEqual(Array.from({ length: 200 }, (_, n) => String(n)));
    });

    it('notices a new epoch without any traffic', async () => {
      const node = broker();
      await node.start(policy, listener);
      await node.subscribe('a');
      await server.command('FLUSHALL');
      await eventually(() => listener.epochs.length === 1, 'the new epoch');
      expect(node.epoch).toBe(listener.epochs[0]);
    });

    it('subscribes to thousands of rooms again after a cut, with one call for hundreds of them', async () => {
      const node = broker({ publishTimeoutMs: 30_000, connectTimeoutMs: 30_000 });
      await node.start(policy, listener);
      const rooms = Array.from({ length: 5_000 }, (_, n) => `room ${n}`);
      await Promise.all(rooms.map(async (room) => node.subscribe(room)));
      await server.command('CONFIG', 'RESETSTAT');
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await eventually(() => listener.states.at(-1) !== 'live', 'the cut');
      await eventually(() => listener.states.at(-1) === 'live', 'live', 30_000);
      const stats = await server.command('INFO', 'commandstats');
      const calls = (name: string): number =>
        Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
      // One call subscribes to 500 channels, and one read covers 200 rooms.
      expect(calls('ssubscribe')).toBeGreaterThanOrEqual(10);
      expect(calls('ssubscribe')).toBeLessThan(15);
      expect(calls('evalsha')).toBeGreaterThanOrEqual(25);
      expect(calls('evalsha')).toBeLessThan(40);
      expect(listener.gaps).toEqual([]);
    }, 60_000);

    it('rejects pending calls when it is closed', async () => {
      await server.kill();
      const node = broker({ url: `redis://127.0.0.1:${await freePort()}` });
      await node.start(policy, listener);
      const waiting = [publish(node, 'a'), Promise.resolve(node.subscribe('a')), node.read(['a'], 0)];
      const outcomes = Promise.all(
        waiting.map((call) => call.then(String, ({ code }: { code: string }) => code)),
      );
      await node.close();
      expect(await within(outcomes, 'the rejections')).toEqual(Array(3).fill('broker-closed'));
    });
  },
);

function publish(to: SseBroker, data: string, idempotencyKey?: string): Promise<PublishReceipt> {
  return to.publish(['a'], { data, serialized: false }, { idempotencyKey });
}
