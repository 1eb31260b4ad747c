import { hostname } from 'node:os';
import type { RemoteTarget, SseService } from 'nestjs-simple-sse';
import type { RedisBrokerOptions, RedisDriverName } from 'nestjs-simple-sse/redis';
import type { EventStream } from '../support/event-stream.js';
import { sseRefusal } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, someTurns, within } from '../support/within.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { CommandNodes, openReady, received } from './command-nodes.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

function idOf(app: RunningApp, room: string): string {
  return [...app.sse.clients(room)][0]?.id ?? '';
}

describeWithRedis.each<{ driver: RedisDriverName; partitions: number }>([
  { driver: 'redis', partitions: 1 },
  { driver: 'ioredis', partitions: 1 },
  { driver: 'redis', partitions: 3 },
])('commands between nodes over $driver with $partitions partitions', ({ driver, partitions }) => {
  let server: RedisServer;
  let nodes: CommandNodes;
  let options: RedisBrokerOptions;
  let one: RunningApp;
  let two: RunningApp;

  beforeEach(async () => {
    server = await RedisServer.start();
    options = { url: server.url, driver, partitions };
    nodes = new CommandNodes();
    [one, two] = [await nodes.start(options), await nodes.start(options)];
  });
  afterEach(async () => {
    await nodes.close();
    await server.dispose();
  });

  const connections = async (): Promise<number> =>
    (await server.command('CLIENT', 'LIST')).trim().split('\n').length - 1;

  async function openAll(): Promise<Record<string, EventStream>> {
    return {
      own7: await openReady(one, '/rooms/a?user=7'),
      far7: await openReady(two, '/rooms/b?user=7'),
      far8: await openReady(two, '/rooms/a?user=8'),
    };
  }

  it.each<[string, () => RemoteTarget, string[]]>([
    ["another node's client by its id", () => idOf(two, 'b'), ['far7']],
    ['a user', () => ({ user: 7 }), ['own7', 'far7']],
    ['a room', () => ({ room: 'a' }), ['own7', 'far8']],
    ['all clients', () => ({ room: '*' }), ['own7', 'far7', 'far8']],
  ])('reach %s, and settle once the streams of both nodes have changed', async (_name, target, expected) => {
    const streams = await openAll();
    const inNew = (): number => one.sse.count('new') + two.sse.count('new');
    const to = target();
    expect(await one.sse.join(to, 'new')).toBe(expected.length);
    expect(inNew()).toBe(expected.length);
    expect(await one.sse.send(to, 'x', 'sent')).toBe(expected.length);
    expect(await one.sse.leave(to, 'new')).toBe(expected.length);
    expect(inNew()).toBe(0);
    expect(await one.sse.disconnect(to)).toBe(expected.length);
    expect(one.sse.count() + two.sse.count()).toBe(3 - expected.length);
    for (const name of expected) await within(Promise.resolve(streams[name]?.ended), 'the end');
    for (const [name, stream] of Object.entries(streams)) {
      expect([name, received(stream)]).toEqual([name, expected.includes(name) ? ['sent'] : []]);
    }
  });

  it('come from a process without HTTP too, which opens its second connection for the first of them', async () => {
    const [own7] = Object.values(await openAll());
    const worker = await nodes.startWorker(options);
    const before = await connections();
    await worker.broadcast('a', 'x', 'published');
    expect(await connections()).toBe(before);
    expect(await worker.join({ user: 7 }, 'new')).toBe(2);
    expect(await connections()).toBe(before + 1);
    await worker.broadcast('new', 'x', 'after');
    await eventually(() => own7 !== undefined && received(own7).length === 2, 'both events');
    expect(await worker.send({ user: 7 }, 'x', 'sent')).toBe(2);
    expect(await worker.leave({ user: 7 }, 'new')).toBe(2);
    expect(await worker.disconnect({ room: '*' })).toBe(3);
    expect(one.sse.count() + two.sse.count()).toBe(0);
  });

  it('leave an event of sse.to(…) to each client of both nodes once, without the excluded ones', async () => {
    const { own7, far7, far8 } = await openAll();
    expect(await one.sse.join({ user: 7 }, 'b')).toBe(2);
    await one.sse.to('a', 'b').except({ user: 8 }).emit('x', 'for 7');
    await one.sse.to('a', 'b').emit('x', 'for all');
    const expected = [
      [own7, ['for 7', 'for all']],
      [far7, ['for 7', 'for all']],
      [far8, ['for all']],
    ] as const;
    for (const [stream, texts] of expected) {
      if (stream === undefined) throw new Error('no stream');
      await eventually(() => received(stream).includes('for all'), 'the last event');
      expect(received(stream)).toEqual(texts);
    }
  });

  it('are executed once by nodes whose subscribing connections are cut meanwhile, and reach them all', async () => {
    const streams = Object.values(await openAll());
    const texts = Array.from({ length: 6 }, (_, n) => `${n}`);
    for (const text of texts) {
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      expect(await one.sse.send({ room: '*' }, 'x', text, { timeoutMs: 60_000 })).toBe(3);
    }
    await eventually(() => streams.every((stream) => received(stream).length >= texts.length), 'the events');
    await someTurns();
    for (const stream of streams) expect(received(stream)).toEqual(texts);
  });

  it('reach every node right after FLUSHALL, which loses the list of nodes', async () => {
    await openAll();
    await server.command('FLUSHALL');
    expect(await one.sse.join({ room: '*' }, 'new')).toBe(3);
    expect([one.sse.count('new'), two.sse.count('new')]).toEqual([1, 2]);
  });

  it('settle with the streams of the other nodes where a node closes meanwhile', async () => {
    await openAll();
    const closing = two.close();
    const reached = await one.sse.join({ room: '*' }, 'new', { timeoutMs: 60_000 });
    await closing;
    expect(reached).toBeGreaterThanOrEqual(1);
    expect(await one.sse.join({ room: '*' }, 'new')).toBe(1);
  });

  it('are refused without Redis', async () => {
    await openAll();
    await server.kill();
    const error = await sseRefusal(() => one.sse.join({ user: 7 }, 'new', { timeoutMs: 300 }));
    expect([error.code, error.message]).toEqual(['broker-unavailable', expect.stringContaining('300 ms')]);
  });

  it('that have timed out without Redis do not come later, when it is back', async () => {
    const streams = Object.values(await openAll());
    await server.kill();
    const calls = [
      () => one.sse.join({ user: 7 }, 'late', { timeoutMs: 100 }),
      () => one.sse.send({ room: '*' }, 'x', 'late', { timeoutMs: 100 }),
      () => one.sse.disconnect({ user: 8 }, { timeoutMs: 100 }),
    ];
    for (const call of calls) expect((await sseRefusal(call)).code).toBe('broker-unavailable');
    await server.restart();
    expect(await one.sse.send({ room: '*' }, 'x', 'after', { timeoutMs: 60_000 })).toBe(3);
    expect(await two.sse.send({ room: '*' }, 'x', 'end', { timeoutMs: 60_000 })).toBe(3);
    for (const stream of streams) {
      await eventually(() => received(stream).includes('end'), 'the last event');
      expect(received(stream)).toEqual(['after', 'end']);
    }
    expect([one.sse.count('late'), two.sse.count('late')]).toEqual([0, 0]);
  });
});

describeWithRedis('a node that does not answer a command', () => {
  let server: RedisServer;
  let proxy: BlackHoleProxy;
  let nodes: CommandNodes;
  let sse: SseService;

  beforeEach(async () => {
    server = await RedisServer.start();
    proxy = await BlackHoleProxy.start(server.port);
    nodes = new CommandNodes();
    ({ sse } = await nodes.start({ url: server.url }));
  });
  afterEach(async () => {
    await nodes.close();
    proxy.close();
    await server.dispose();
  });

  it('is named by the rejection, which says that the rest is done, and is reached once it is back', async () => {
    const [one] = nodes.apps as [RunningApp];
    const two = await nodes.start({ url: proxy.url, probeIntervalMs: 250, publishTimeoutMs: 1_000 });
    const [near, far] = [await openReady(one, '/rooms/a'), await openReady(two, '/rooms/a')];
    proxy.swallow();
    const error = await sseRefusal(() => sse.join({ room: 'a' }, 'new', { timeoutMs: 700 }));
    expect(error.code).toBe('broker-unavailable');
    expect(error.message).toContain(`not confirmed within 700 ms by ${hostname()}/${process.pid}`);
    expect(error.message).toContain('done on 1 other node, where it reached 1 streams');
    await sse.broadcast('new', 'x', 'after');
    await eventually(() => received(near).includes('after'), 'the event of the room');
    expect(await sse.join({ room: 'a' }, 'new', { timeoutMs: 60_000 })).toBe(2);
    await sse.broadcast('new', 'x', 'for both');
    for (const stream of [near, far])
      await eventually(() => received(stream).includes('for both'), 'the event');
  });

  it('counts until its entry has expired, and is named by host and process', async () => {
    await openReady(nodes.apps[0] as RunningApp, '/rooms/a');
    const [seconds = ''] = (await server.command('EVAL', "return redis.call('TIME')[1]", '0')).split('\n');
    const entry = { id: 'dead', name: 'other-host/99', partitions: 1, history: '', channel: 'sse:{0}:k' };
    const expiry = (Number(seconds) + 3) * 1_000;
    await server.command('HSET', 'sse:{0}:o', 'dead', `${expiry} ${JSON.stringify(entry)}`);
    const error = await sseRefusal(() => sse.leave({ room: 'a' }, 'new', { timeoutMs: 600 }));
    expect(error.message).toMatch(
      /^The command leave was not confirmed within 600 ms by other-host\/99, where/,
    );
    expect(await sse.leave({ room: 'a' }, 'new', { timeoutMs: 60_000 })).toBe(1);
  });

  it('does not delay a command to a client by its id, which another node has executed', async () => {
    const [one] = nodes.apps as [RunningApp];
    const two = await nodes.start({ url: proxy.url, probeIntervalMs: 600_000 });
    await openReady(one, '/rooms/a');
    proxy.swallow();
    const [client] = one.sse.clients();
    expect(await sse.join(client?.id ?? '', 'new', { timeoutMs: 60_000 })).toBe(1);
    expect(two.sse.count()).toBe(0);
  });
});
