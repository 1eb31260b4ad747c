import type { BrokerState, HistoryPolicy, PublishReceipt, RoomMessage, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { eventually, pause, within } from '../support/within.js';
import { describeWithRedis, freePort, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 1_000, maxAgeMs: 60_000 }) };

class Heard {
  readonly messages: RoomMessage[] = [];
  readonly states: BrokerState[] = [];
  readonly epochs: string[] = [];
  readonly gaps: (readonly string[])[] = [];
  readonly onMessage = (message: RoomMessage): void => void this.messages.push(message);
  readonly onStateChange = (state: BrokerState): void => void this.states.push(state);
  readonly onEpochChange = (epoch: string): void => void this.epochs.push(epoch);
  readonly onGap = (rooms: readonly string[]): void => void this.gaps.push(rooms);

  get texts(): string[] {
    return this.messages.map(({ data }) => data);
  }
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])('Redis away, over %s', (driver) => {
  let server: RedisServer;
  let heard: Heard;
  const open: SseBroker[] = [];

  beforeEach(async () => {
    server = await RedisServer.start();
    heard = new Heard();
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((broker) => broker.close()));
    await server.dispose();
  });

  const broker = (options: RedisBrokerOptions = {}): SseBroker => {
    const made = redisBroker({
      url: server.url,
      driver,
      publishTimeoutMs: 400,
      connectTimeoutMs: 500,
      probeIntervalMs: 200,
      ...options,
    }) as SseBroker;
    open.push(made);
    return made;
  };

  it('starts without it, refuses publishes in time, and recovers by itself', async () => {
    await server.kill();
    const node = broker();
    await within(node.start(policy, heard), 'the start');
    expect(heard.states).toEqual(['down']);
    let subscribed = false;
    const subscribing = Promise.resolve(node.subscribe('a')).then(() => (subscribed = true));
    const reading = node.read(['a'], undefined, 10);
    const refused = expect(publish(node, 'lost')).rejects.toMatchObject({ code: 'broker-unavailable' });
    await within(refused, 'the refusal');
    expect(subscribed).toBe(false);

    await server.launch();
    await within(subscribing, 'the subscription');
    expect(heard.states.at(-1)).toBe('live');
    expect((await within(reading, 'the read')).messages).toEqual([]);
    const { epoch, replayable } = await publish(node, 'found');
    await eventually(() => heard.texts.includes('found'), 'the event');
    expect(replayable).toBe(true);
    // The epoch that clients may have seen before was a placeholder.
    expect(heard.epochs).toEqual([epoch]);
    expect(node.epoch).toBe(epoch);
  });

  it('refuses to start without it, where it is required', async () => {
    await server.kill();
    const start = broker({ requireBroker: true }).start(policy, heard);
    await expect(within(start, 'the refusal')).rejects.toMatchObject({ code: 'broker-unavailable' });
  });

  it('starts while it accepts connections and says nothing', async () => {
    server.freeze();
    const node = broker();
    await within(node.start(policy, heard), 'the start');
    expect(heard.states).toEqual(['down']);
    server.thaw();
    await eventually(() => heard.states.at(-1) === 'live', 'live');
  });

  it('refuses a publish in time while it is frozen, and is live again afterwards', async () => {
    const node = broker();
    await node.start(policy, heard);
    await node.subscribe('a');
    server.freeze();
    const refused = expect(publish(node, 'frozen')).rejects.toMatchObject({ code: 'broker-unavailable' });
    await within(refused, 'the refusal');
    await eventually(() => heard.states.at(-1) === 'down', 'down');
    server.thaw();
    await eventually(() => heard.states.at(-1) === 'live', 'live');
    await publish(node, 'after');
    await eventually(() => heard.texts.includes('after'), 'the event');
    expect(heard.gaps).toEqual([]);
    expect(heard.epochs).toEqual([]);
  });

  it('lets no more than its share of memory wait', async () => {
    // What is refused at once comes before what is refused in time.
    const node = broker({ maxBufferedBytes: 10_000, publishTimeoutMs: 2_000 });
    await node.start(policy, heard);
    await server.kill();
    await eventually(() => heard.states.at(-1) === 'down', 'down');
    const outcomes = Array.from({ length: 20 }, () => publish(node, 'x'.repeat(1_000)).catch(String));
    const first = await within(Promise.race(outcomes), 'a refusal at once');
    expect(first).toContain('More than 10000 bytes wait');
    await Promise.all(outcomes);
  });

  it('publishes once what is sent again after a lost connection', async () => {
    const node = broker({ publishTimeoutMs: 30_000 });
    await node.start(policy, heard);
    await node.subscribe('a');
    server.freeze();
    const publishing = publish(node, 'once', 'key');
    await pause(50);
    server.thaw();
    await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
    const receipt = await publishing;
    expect(await publish(node, 'once', 'key')).toEqual({ ...receipt, duplicate: true });
    await eventually(() => heard.states.at(-1) === 'live', 'live');
    await publish(node, 'end');
    await eventually(() => heard.texts.includes('end'), 'the last');
    expect(heard.texts).toEqual(['once', 'end']);
  });

  it('refuses a publish that it has no memory for, whole, and still answers reads', async () => {
    const node = broker();
    await node.start(policy, heard);
    await node.subscribe('a');
    const { position } = await publish(node, 'first');
    await server.command('CONFIG', 'SET', 'maxmemory', '1000000');
    await expect(publish(node, 'refused')).rejects.toThrow(/OOM/);
    const page = await node.read(['a'], position);
    expect([page.messages, page.incompleteRooms]).toEqual([[], []]);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    const next = await publish(node, 'next');
    expect(next.position).toBeGreaterThan(page.position);
    await eventually(() => heard.texts.includes('next'), 'the event');
    expect(heard.texts).toEqual(['first', 'next']);
    expect(heard.states.at(-1)).toBe('live');
  });

  it('keeps the order of publishes that nobody awaits when its scripts are forgotten', async () => {
    const node = broker({ publishTimeoutMs: 30_000 });
    await node.start(policy, heard);
    await node.subscribe('a');
    const sent: Promise<unknown>[] = [];
    for (let n = 0; n < 200; n++) {
      if (n % 50 === 25) await server.command('SCRIPT', 'FLUSH');
      sent.push(publish(node, String(n)));
    }
    await Promise.all(sent);
    await eventually(() => heard.texts.length === 200, 'all events');
    expect(heard.texts).toEqual(Array.from({ length: 200 }, (_, n) => String(n)));
  });

  it('finds a new memory in silence', async () => {
    const node = broker();
    await node.start(policy, heard);
    await node.subscribe('a');
    await server.command('FLUSHALL');
    await eventually(() => heard.epochs.length === 1, 'the new epoch');
    expect(node.epoch).toBe(heard.epochs[0]);
  });

  it('hears thousands of rooms again after a cut, with a call for hundreds of them', async () => {
    const node = broker({ publishTimeoutMs: 30_000, connectTimeoutMs: 30_000 });
    await node.start(policy, heard);
    const rooms = Array.from({ length: 5_000 }, (_, n) => `room ${n}`);
    await Promise.all(rooms.map(async (room) => node.subscribe(room)));
    await server.command('CONFIG', 'RESETSTAT');
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually(() => heard.states.at(-1) !== 'live', 'the cut');
    await eventually(() => heard.states.at(-1) === 'live', 'live', 30_000);
    const stats = await server.command('INFO', 'commandstats');
    const calls = (name: string): number =>
      Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    // 500 channels in one call, and 200 rooms in one reading.
    expect(calls('ssubscribe')).toBeGreaterThanOrEqual(10);
    expect(calls('ssubscribe')).toBeLessThan(15);
    expect(calls('evalsha')).toBeGreaterThanOrEqual(25);
    expect(calls('evalsha')).toBeLessThan(40);
    expect(heard.gaps).toEqual([]);
  }, 60_000);

  it('rejects what waits when it is closed', async () => {
    await server.kill();
    const node = broker({ url: `redis://127.0.0.1:${await freePort()}` });
    await node.start(policy, heard);
    const waiting = [publish(node, 'a'), Promise.resolve(node.subscribe('a')), node.read(['a'], 0)];
    const outcomes = Promise.all(
      waiting.map((one) => one.then(String, ({ code }: { code: string }) => code)),
    );
    await node.close();
    expect(await within(outcomes, 'the rejections')).toEqual(Array(3).fill('broker-closed'));
  });
});

function publish(to: SseBroker, data: string, idempotencyKey?: string): Promise<PublishReceipt> {
  return to.publish(['a'], { data, serialized: false }, { idempotencyKey });
}
