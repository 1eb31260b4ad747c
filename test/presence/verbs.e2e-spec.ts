import { fastify, platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import { MemoryBroker, type BrokerListener, type HistoryPolicy, type RemoteTarget } from 'nestjs-simple-sse';
import { eventually, someTurns, within } from '../support/within.js';
import { PresenceController, presenceApp, membersIn } from './presence-app.js';

function ended(stream: EventStream | undefined): Promise<string | undefined> {
  return within(Promise.resolve(stream?.ended), 'the end of the stream');
}

async function namesOf(stream: EventStream | undefined, count: number): Promise<string[]> {
  return ((await stream?.nextEvents(count)) ?? []).map(({ event }) => event);
}

describe.each(platforms)('the commands of SseService about clients, on $name', (platform) => {
  let running: RunningApp;
  let reasons: string[];

  beforeEach(async () => {
    running = await platform.start(presenceApp({ presenceGraceMs: false }));
    reasons = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  const openUsers = async (room: string, ...users: string[]): Promise<EventStream[]> =>
    Promise.all(users.map((user) => running.listen(`/rooms/${room}?user=${user}`)));

  it('disconnect a client by its id after its queue is sent, with the time to its next connection', async () => {
    const [stream, other] = await openUsers('chat', '7', '7');
    const [client] = running.get(PresenceController).clients;
    client?.send('last words', 1);
    await running.sse.disconnect(client?.id ?? '', { retryMs: 60_000 });
    expect(await ended(stream)).toBe('whole');
    expect(stream?.events.at(-1)?.event).toBe('last words');
    expect(stream?.retries).toEqual([3_000, 60_000]);
    expect(await client?.closed).toBe('disconnected');
    expect([reasons, other?.isOpen]).toEqual([['disconnected'], true]);
  });

  it.each<[string, RemoteTarget, string[]]>([
    ['a user, everywhere', { user: 7 }, ['a7', 'b7']],
    ['a user, in one room', { user: '7', room: 'chat-a' }, ['a7']],
    ['a room', { room: 'chat-a' }, ['a7', 'a8']],
    ['all clients', { room: '*' }, ['a7', 'a8', 'b7', 'anonymous']],
    ['some of the members of a room', { room: 'chat-a', where: ({ user }) => user > '7' }, ['a8']],
    ['an unknown client', 'unknown', []],
    ['an unknown user', { user: 'unknown' }, []],
    ['an unknown room', { room: 'nowhere' }, []],
  ])('disconnect %s, and no other client', async (_name, target, expected) => {
    const [a7, a8] = await openUsers('chat-a', '7', '8');
    const [b7] = await openUsers('chat-b', '7');
    const anonymous = await running.listen('/plain');
    const streams = Object.entries({ a7, a8, b7, anonymous });
    await running.sse.disconnect(target);
    for (const [name, stream] of streams) if (expected.includes(name)) await ended(stream);
    await someTurns();
    expect(streams.filter(([, stream]) => stream?.isOpen === false).map(([name]) => name)).toEqual(expected);
    expect(reasons).toEqual(expected.map(() => 'disconnected'));
  });

  it('disconnect a client whose stream is not open yet as soon as it opens', async () => {
    const opening = running.open('/slow/chat?user=7');
    const controller = running.get(PresenceController);
    await eventually(() => controller.clients.length === 1, 'the request');
    const [client] = controller.clients;
    await running.sse.disconnect({ room: 'chat' }, { retryMs: 60_000 });
    await running.sse.disconnect(client?.id ?? '');
    controller.release();
    const stream = await opening;
    expect([stream.status, await ended(stream), await client?.closed]).toEqual([
      200,
      'whole',
      'disconnected',
    ]);
    expect(stream.retries).toEqual([60_000]);
    expect(await membersIn(running, 'chat')).toEqual([]);
  });

  it('remove a user from one room, or from all rooms', async () => {
    const [chat, same] = await openUsers('chat', '7', '7');
    const [other] = await openUsers('chat', '8');
    const clients = [...running.sse.clients('chat')].filter(({ user }) => user === '7');
    for (const client of clients) await client.join('more');
    await running.sse.leave({ user: 7 }, 'chat');
    expect(await membersIn(running, 'chat')).toEqual(['8 1']);
    expect([running.sse.count('chat'), running.sse.count('more')]).toEqual([1, 2]);
    await running.sse.leave({ user: '7' }, '*');
    expect(running.sse.count('more')).toBe(0);
    await running.sse.broadcast('chat', 'x', 1);
    await other?.nextEvent();
    expect([chat?.isOpen, same?.isOpen]).toEqual([true, true]);
    expect([chat, same].flatMap((stream) => stream?.events.filter(({ event }) => event === 'x'))).toEqual([]);
  });

  it('remove a client from a room synchronously', async () => {
    await openUsers('chat', '7');
    const [client] = running.sse.clients('chat');
    if (client === undefined) throw new Error('no client');
    expect(running.sse.leave(client, 'chat')).toBeUndefined();
    expect(running.sse.count('chat')).toBe(0);
  });

  it.each([
    ['invalid-arguments', () => running.sse.disconnect(unchecked({}))],
    ['invalid-arguments', () => running.sse.disconnect(unchecked(undefined))],
    ['invalid-arguments', () => running.sse.disconnect(unchecked(7))],
    ['invalid-arguments', () => running.sse.disconnect({ room: 'chat' }, unchecked({ retyMs: 5 }))],
    ['invalid-arguments', () => running.sse.disconnect({ user: 7, where: () => true })],
    ['invalid-arguments', () => running.sse.disconnect(unchecked({ user: 7, rom: 'chat' }))],
    ['invalid-arguments', () => running.sse.leave('', 'chat')],
    ['invalid-arguments', () => running.sse.leave(unchecked(7), 'chat')],
    ['invalid-arguments', () => running.sse.leave(unchecked(undefined), 'chat')],
    ['invalid-arguments', () => running.sse.broadcast('chat', 'x', 1, { except: unchecked('7') })],
    ['invalid-arguments', () => running.sse.broadcast('chat', 'x', 1, { except: unchecked([null]) })],
    ['invalid-room', () => running.sse.disconnect({ room: 'chat/*' })],
    ['invalid-user', () => running.sse.disconnect({ user: '' })],
    ['invalid-user', () => running.sse.leave({ user: NaN }, 'chat')],
    ['invalid-user', () => running.sse.broadcast('chat', 'x', 1, { except: { user: '' } })],
    ['invalid-room', () => running.sse.disconnect({ room: '' })],
    ['invalid-room', () => running.sse.leave({ user: 7 }, '')],
    ['invalid-retry', () => running.sse.disconnect({ user: 7 }, { retryMs: -1 })],
  ])('report %s for invalid arguments', async (code, call) => {
    expect((await sseRefusal(call)).code).toBe(code);
  });

  it('log a rejection that the application does not handle', async () => {
    void running.sse.disconnect({ user: '' });
    await eventually(() => running.logger.complaints.length > 0, 'the log');
    expect(running.logger.complaints[0]?.text).toContain('1 to 255 characters');
    running.logger.complaints.length = 0;
  });

  it('exclude a user from an event on all its streams, also on resume', async () => {
    const [one, two, other] = await openUsers('quiet', '7', '7', '8');
    const position = await running.sse.broadcast('quiet', 'before', 1);
    await running.sse.broadcast('quiet', 'secret', 1, { except: { user: 7 } });
    const [client] = running.get(PresenceController).clients.filter(({ user }) => user === '8');
    if (client === undefined) throw new Error('no client');
    await running.sse.broadcast('quiet', 'of both', 1, { except: [{ user: '7' }, client] });
    await running.sse.broadcast('quiet', 'after', 1);
    expect(await namesOf(one, 2)).toEqual(['before', 'after']);
    expect(await namesOf(two, 2)).toEqual(['before', 'after']);
    expect(await namesOf(other, 3)).toEqual(['before', 'secret', 'after']);
    const headers = { 'last-event-id': position ?? '' };
    expect(await namesOf(await running.listen('/rooms/quiet?user=7', { headers }), 1)).toEqual(['after']);
    // A client that reconnects is a new client, which `except` does not cover.
    const again = await running.listen('/rooms/quiet?user=8', { headers });
    expect(await namesOf(again, 3)).toEqual(['secret', 'of both', 'after']);
  });
});

describe('without the option identify', () => {
  it.each<[string, (running: RunningApp) => Promise<unknown>]>([
    ['disconnect({ user })', ({ sse }) => sse.disconnect({ user: 7 })],
    ['disconnect({ user })', ({ sse }) => sse.disconnect({ user: 7, room: 'chat' })],
    ['leave({ user })', ({ sse }) => sse.leave({ user: 7 }, 'chat')],
    ['except: { user }', ({ sse }) => sse.broadcast('chat', 'x', 1, { except: { user: 7 } })],
    ['except: { user }', ({ sse }) => sse.broadcast('chat', 'x', 1, { except: [{ user: 7 }] })],
  ])('a call that names a user is refused: %s', async (name, call) => {
    const running = await fastify.start(presenceApp({ identify: undefined, rooms: {} }));
    const error = await sseRefusal(() => call(running));
    expect(error.code).toBe('invalid-arguments');
    expect(error.message).toContain(`${name} names a user, but without the option "identify"`);
    await running.sse.disconnect('a client id');
    await running.close();
  });
});

describe('a remote command that this version does not know', () => {
  class OpenBroker extends MemoryBroker {
    listener!: BrokerListener;
    override start(policy: HistoryPolicy, listener: BrokerListener): Promise<void> {
      this.listener = listener;
      return super.start(policy, listener);
    }
  }

  it.each([
    '',
    'nonsense',
    'null',
    '7',
    '[]',
    '{}',
    '{"do":"disconnect","room":"chat"}',
    '{"call":"c","from":"n","waitMs":1,"to":{},"action":{"do":"disconnect"}}',
    '{"call":"c","from":"n","waitMs":1,"to":{"room":"chat"},"action":{"do":"explode"}}',
    '{"call":"c","from":"n","waitMs":1,"to":{"room":"chat"},"action":{"do":"disconnect"},"unless":"unknown"}',
    '{"answer":"c","node":"n","reached":1}',
  ])('is ignored: %j', async (text) => {
    const broker = new OpenBroker();
    const running = await fastify.start(presenceApp({ broker }));
    const stream = await running.listen('/rooms/chat?user=7');
    broker.listener.onControl?.(text);
    await someTurns();
    expect([stream.isOpen, running.sse.count('chat'), running.logger.complaints]).toEqual([true, 1, []]);
    stream.close();
    await running.close();
  });
});
