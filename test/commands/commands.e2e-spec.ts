import type { RemoteTarget, SseClient } from 'nestjs-simple-sse';
import { PresenceController, presenceApp } from '../presence/presence-app.js';
import type { EventStream } from '../support/event-stream.js';
import { platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { within } from '../support/within.js';

describe.each(platforms)('commands to the clients of all nodes, on $name', (platform) => {
  let running: RunningApp;

  beforeEach(async () => {
    running = await platform.start(presenceApp({ presenceGraceMs: false }));
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  const open = async (room: string, user?: string): Promise<[EventStream, SseClient]> => {
    const stream = await running.listen(`/rooms/${room}${user === undefined ? '' : `?user=${user}`}`);
    await stream.nextEvent({ control: true });
    const client = running.get(PresenceController).clients.at(-1);
    if (client === undefined) throw new Error('no client');
    return [stream, client];
  };
  /** Two streams of user 7, in `one` and `two`, and one of user 8 in `one`. */
  const openThree = async () => ({
    a: await open('one', '7'),
    b: await open('two', '7'),
    c: await open('one', '8'),
  });
  type Name = keyof Awaited<ReturnType<typeof openThree>>;

  it.each<[string, RemoteTarget | ((client: SseClient) => RemoteTarget), Name[]]>([
    ['a client by its id', ({ id }) => id, ['a']],
    ['a user', { user: 7 }, ['a', 'b']],
    ['a user in one room', { user: '7', room: 'two' }, ['b']],
    ['a room', { room: 'one' }, ['a', 'c']],
    ['all clients', { room: '*' }, ['a', 'b', 'c']],
    ['an unknown client', 'unknown', []],
    ['an unknown user', { user: 'unknown' }, []],
    ['an empty room', { room: 'nowhere' }, []],
  ])('reach %s, and settle with the number of streams', async (_name, given, expected) => {
    const { sse } = running;
    const clients = await openThree();
    const target = typeof given === 'function' ? given(clients.a[1]) : given;
    const inRoom = (): string[] =>
      Object.entries(clients).flatMap(([name, [, client]]) => (client.in('new') ? [name] : []));

    expect(await sse.join(target, 'new')).toBe(expected.length);
    expect(inRoom()).toEqual(expected);
    await sse.broadcast('new', 'published', 1);
    expect(await sse.join(target, 'new')).toBe(expected.length);
    expect(await sse.send(target, 'sent', { n: 1 })).toBe(expected.length);
    expect(await sse.leave(target, 'new')).toBe(expected.length);
    expect(inRoom()).toEqual([]);
    await sse.broadcast('*', 'end', 1);
    for (const [name, [stream]] of Object.entries(clients)) {
      const names = expected.includes(name as Name) ? ['published', 'sent', 'end'] : ['end'];
      expect((await stream.nextEvents(names.length)).map(({ event }) => event)).toEqual(names);
    }
    expect(await sse.disconnect(target)).toBe(expected.length);
    for (const name of expected) await within(clients[name][0].ended, 'the end of the stream');
    expect(sse.count()).toBe(3 - expected.length);
  });

  it('send the newest events of the room to clients that join with replay', async () => {
    const { sse } = running;
    const [stream] = await open('one', '7');
    for (const text of ['1', '2', '3']) await sse.broadcast('new', 'old', text);
    expect(await sse.join({ user: 7 }, 'new', { replay: 2 })).toBe(1);
    await sse.broadcast('new', 'live', '4');
    expect((await stream.nextEvents(3)).map(({ data }) => data)).toEqual(['2', '3', '4']);
    expect(stream.events.filter(({ data }) => data === '1')).toEqual([]);
  });

  it('send data without an event name, volatile events, and data of every kind', async () => {
    const [stream] = await open('one', '7');
    expect(await running.sse.send({ user: 7 }, 'text')).toBe(1);
    expect(await running.sse.send({ user: 7 }, 'state', [1, null], { volatile: true })).toBe(1);
    expect(await running.sse.send({ user: 7 }, undefined, '', { timeoutMs: 1_000 })).toBe(1);
    expect((await stream.nextEvents(3)).map(({ event, data, id }) => [event, data, id])).toEqual([
      ['message', 'text', undefined],
      ['state', '[1,null]', undefined],
      ['message', '', undefined],
    ]);
  });

  it('end the stream of a client of this process, and count a closed one as none', async () => {
    const [stream, client] = await open('one', '7');
    expect(await running.sse.disconnect(client, { retryMs: 60_000 })).toBe(1);
    expect(await within(stream.ended, 'the end of the stream')).toBe('whole');
    expect([stream.retries.at(-1), await client.closed]).toEqual([60_000, 'disconnected']);
    expect(await running.sse.disconnect(client)).toBe(0);
  });

  it('keep what they were for a client of this process: join and send settle as before, leave returns nothing', async () => {
    const [, client] = await open('one', '7');
    expect(await running.sse.join(client, 'new')).toBe(true);
    expect(await running.sse.join(client, 'new')).toBe(false);
    expect(running.sse.send(client, 'sent', 1)).toBe(true);
    expect(running.sse.leave(client, 'new')).toBeUndefined();
  });

  it.each([
    ['invalid-arguments', () => running.sse.join(unchecked({}), 'new')],
    ['invalid-arguments', () => running.sse.join(unchecked(undefined), 'new')],
    ['invalid-arguments', () => running.sse.join('', 'new')],
    ['invalid-arguments', () => running.sse.join({ user: 7 }, 'new', unchecked({ replays: 5 }))],
    ['invalid-arguments', () => running.sse.join({ user: 7 }, 'new', { replay: -1 })],
    ['invalid-arguments', () => running.sse.join({ user: 7 }, 'new', { timeoutMs: 0 })],
    ['invalid-arguments', () => running.sse.join({ user: 7 }, 'new', { timeoutMs: 60_001 })],
    ['invalid-arguments', () => running.sse.join(unchecked({ user: 7, rom: 'one' }), 'new')],
    ['invalid-arguments', () => running.sse.leave({ user: 7 }, 'new', unchecked({ timeout: 5 }))],
    ['invalid-arguments', () => running.sse.send({ user: 7 }, 'x', 1, unchecked({ id: 5 }))],
    [
      'invalid-arguments',
      () => running.sse.send({ room: 'chat', where: unchecked<() => boolean>(async () => true) }, 1),
    ],
    ['invalid-room', () => running.sse.join({ user: 7 }, '')],
    ['invalid-room', () => running.sse.join({ user: 7 }, 'orders/undefined')],
    ['invalid-room', () => running.sse.join({ room: unchecked<string>(undefined) }, 'new')],
    ['invalid-room', () => running.sse.disconnect({ room: unchecked<string>(undefined) })],
    ['invalid-user', () => running.sse.send({ user: '' }, 'x', 1)],
    ['invalid-data', () => running.sse.send({ user: 7 }, 'x', unchecked(undefined))],
    ['invalid-event-name', () => running.sse.send({ user: 7 }, 'sse:gap', 1)],
  ])('report %s for invalid arguments', async (code, call) => {
    await open('chat', '7');
    expect((await sseRefusal(call)).code).toBe(code);
  });
});
