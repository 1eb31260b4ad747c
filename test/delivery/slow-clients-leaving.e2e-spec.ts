import { randomUUID } from 'node:crypto';
import { MemoryBroker, type SseClient, type SseModuleOptions } from 'nestjs-simple-sse';
import { sessionApp } from '../sessions/session-app.js';
import { HashedPartitions } from '../support/hashed-partitions.js';
import { platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, someTurns } from '../support/within.js';
import type { RawConnection } from './raw-connection.js';
import type { ReceivedStream } from './received-stream.js';
import type { ThrottledReader } from './throttled-reader.js';
import { socketFull, UnixSocketListener } from './unix-socket-listener.js';

const LARGE = 'x'.repeat(50_000);
const EVENTS = 60;
/** Fewer than a room's history has, and several pages of it. */
const SMALL_EVENTS = 240;
const SMALL_BYTES = 2_000;
/** More than waits for the end of a turn of the event loop during a replay. */
const TAKEN_BYTES = 80_000;
/** More than the kernel and the connection take of a client that reads nothing: about 500 KiB. */
const TAKEN_EVENTS = 20;

interface OpenStream {
  readonly client: SseClient;
  readonly reader: ThrottledReader;
  readonly answer: Promise<ReceivedStream>;
}

/** A way to take the stream of a user out of a room. */
type Leave = (running: RunningApp, client: SseClient) => unknown;

const leaves: [string, Leave][] = [
  ['client.leave', (_running, client) => client.leave('chat')],
  ["client.leave('*')", (_running, client) => client.leave('*')],
  ['leave of the user', ({ sse }) => sse.leave({ user: 'ann' }, 'chat')],
  ['leave of the session', ({ sse }, client) => sse.leave({ session: keyOf(client) }, 'chat')],
  ['reauthorize', ({ sse }) => sse.reauthorize({ user: 'ann' })],
];

describe.each(platforms)('a client that reads nothing and leaves a room, on $name,', (platform) => {
  let running: RunningApp;
  let listener: UnixSocketListener;
  let session: string;
  const revoked = new Set<string>();
  const connections: RawConnection[] = [];

  async function start(options: SseModuleOptions = {}): Promise<void> {
    running = await platform.start(
      sessionApp({
        heartbeatIntervalMs: false,
        maxQueuedBytes: 64 * 1024 * 1024,
        authorizeRoom: (_client, room) => !revoked.has(room),
        ...options,
      }),
    );
    listener = await UnixSocketListener.open(running);
    session = randomUUID();
  }
  afterEach(async () => {
    revoked.clear();
    for (const { socket } of connections.splice(0)) socket.destroy();
    await listener.close();
    await running.close();
  });

  /** Opens the stream of the page, in the room `news`. @param reads false for a reader that has stopped already */
  async function open(lastEventId?: string, reads = true): Promise<OpenStream> {
    const known = new Set(running.sse.clients());
    const connection = listener.connectRaw();
    const { reader } = connection;
    if (!reads) reader.pause();
    const lines = lastEventId === undefined ? [] : [`Last-Event-ID: ${lastEventId}`];
    const answer = connection.get(`/news?session=${session}&user=ann`, lines).answer();
    connections.push(connection);
    const newest = (): SseClient | undefined =>
      [...running.sse.clients('news')].find((each) => !known.has(each));
    await eventually(() => newest() !== undefined, 'the client');
    return { client: newest() as SseClient, reader, answer };
  }

  /** Opens the stream, joins it to rooms, and stops its reader. */
  async function openPaused(rooms = ['chat']): Promise<[SseClient, ReceivedStream]> {
    const { client, reader, answer } = await open();
    const received = await answer;
    for (const room of rooms) await running.sse.join(client, room);
    reader.pause();
    return [client, received];
  }

  /** Publishes more to each list of rooms than a connection takes, in turns. */
  async function publishMany(...targets: string[][]): Promise<void> {
    for (let n = 0; n < EVENTS; n++) {
      for (const rooms of targets)
        await running.sse.broadcast(rooms, undefined, `${rooms.join('+')} ${n} ${LARGE}`);
      await someTurns(1);
    }
    await socketFull(listener.newest);
  }

  /** Reads up to an event that is published now. @returns the texts, without what makes them large */
  async function textsUntilNow(received: ReceivedStream): Promise<string[]> {
    received.reader?.resume();
    const end = randomUUID();
    await running.sse.broadcast('news', undefined, end);
    await eventually(() => received.body.includes(end), 'the last event');
    const events = received.parsed().events.filter(({ event }) => event?.startsWith('sse:') !== true);
    return events.map(({ data }) => data.replace(/ x+$/, '')).filter((text) => text !== end);
  }

  it.each(leaves)('is sent nothing of the room that still waited, by %s', async (_name, leave) => {
    await start();
    const [client, received] = await openPaused();
    await publishMany(['chat'], ['news']);
    revoked.add('chat');
    await leave(running, client);
    // '*' is every room, also that of the request.
    const staysInNews = client.in('news');
    if (!staysInNews) await running.sse.join(client, 'news');
    const texts = await textsUntilNow(received);
    const [chats, news] = [of(texts, 'chat'), of(texts, 'news')];
    expect(chats.length).toBeLessThan(TAKEN_EVENTS);
    expect(chats).toEqual(numbered('chat', chats.length));
    if (staysInNews) expect(news).toEqual(numbered('news', EVENTS));
    else expect(news.length).toBeLessThan(TAKEN_EVENTS);
  });

  it('is sent an event that is also of another of its rooms, and what was sent to it alone', async () => {
    await start();
    const [client, received] = await openPaused();
    await publishMany(['chat', 'news']);
    client.send('note', 'for ann');
    await running.sse.broadcast('chat', 'cursor', 'volatile', { volatile: true });
    client.leave('chat');
    const texts = await textsUntilNow(received);
    expect(texts).toEqual([...numbered('chat+news', EVENTS), 'for ann']);
  });

  it('and joins it again, receives it from the later join on, also after a cut', async () => {
    await start();
    const [client, received] = await openPaused();
    await publishMany(['chat'], ['news']);
    await running.sse.leave({ user: 'ann' }, 'chat');
    await running.sse.broadcast('chat', undefined, 'chat between');
    await running.sse.join({ session }, 'chat');
    await running.sse.broadcast('chat', undefined, 'chat again');
    // Reads a part, is cut, and comes back: what it has not read is sent from history.
    received.reader?.allow(100_000);
    await received.reaches(50_000);
    const [id, before] = [lastIdOf(received), received.parsed().events];
    received.close();
    await client.closed;
    const texts = await textsUntilNow(await (await open(id)).answer);
    const had = before.map(({ data }) => data.replace(/ x+$/, ''));
    expect(of(texts, 'chat')).toEqual(['chat again']);
    expect([...of(had, 'news'), ...of(texts, 'news')]).toEqual(numbered('news', EVENTS));
  });

  it('and joins it again, receives on the same stream what follows the later join', async () => {
    await start();
    const [client, received] = await openPaused();
    await publishMany(['chat'], ['news']);
    client.leave('chat');
    await running.sse.broadcast('chat', undefined, 'chat between');
    await running.sse.join(client, 'chat');
    await running.sse.broadcast('chat', undefined, 'chat again');
    const texts = await textsUntilNow(received);
    const taken = count(texts, 'chat') - 1;
    expect(taken).toBeLessThan(TAKEN_EVENTS);
    expect(of(texts, 'chat')).toEqual([...numbered('chat', taken), 'chat again']);
    expect(of(texts, 'news')).toEqual(numbered('news', EVENTS));
  });

  it('is sent no more of the room while it reads what it has missed', async () => {
    await start();
    const { client, answer } = await open();
    const received = await answer;
    await running.sse.join(client, 'chat');
    await eventually(() => lastIdOf(received) !== '', 'a position');
    const id = lastIdOf(received);
    received.close();
    await client.closed;
    for (let n = 0; n < SMALL_EVENTS; n++) {
      for (const room of ['chat', 'news'])
        await running.sse.broadcast(room, undefined, `${room} ${n} ${'x'.repeat(SMALL_BYTES)}`);
    }
    const back = await open(id, false);
    await socketFull(listener.newest);
    // The page of history that is being sent has more.
    const taken = (listener.newest.bytesWritten + TAKEN_BYTES) / (2 * SMALL_BYTES);
    // Held until the missed events are sent.
    await running.sse.broadcast('chat', undefined, 'chat live');
    await running.sse.broadcast('chat', 'cursor', 'chat volatile', { volatile: true });
    await running.sse.leave({ user: 'ann' }, 'chat');
    expect(back.client.in('chat')).toBe(false);
    back.reader.resume();
    const texts = await textsUntilNow(await back.answer);
    expect(count(texts, 'chat')).toBeLessThan(taken);
    expect(of(texts, 'chat')).toEqual(numbered('chat', count(texts, 'chat')));
    expect(of(texts, 'news')).toEqual(numbered('news', SMALL_EVENTS));
  });

  it('is sent an event once that it has through its other room in another partition', async () => {
    await start({ broker: new HashedPartitions(3, () => new MemoryBroker()) });
    const [client, received] = await openPaused(['a', 'b']);
    for (let n = 0; n < EVENTS; n++) {
      for (const rooms of [['a', 'b'], ['a'], ['b']])
        await running.sse.broadcast(rooms, undefined, `${rooms.join('+')} ${n} ${LARGE}`);
      await someTurns(1);
    }
    await socketFull(listener.newest);
    client.leave('a');
    const texts = await textsUntilNow(received);
    expect(of(texts, 'a+b')).toEqual(numbered('a+b', EVENTS));
    expect(of(texts, 'b')).toEqual(numbered('b', EVENTS));
    expect(count(texts, 'a')).toBeLessThan(TAKEN_EVENTS);
  });
});

function keyOf({ request }: SseClient): string {
  return (request as { query: { session: string } }).query.session;
}

function lastIdOf(received: ReceivedStream): string {
  return received.parsed().events.findLast(({ id }) => id !== undefined)?.id ?? '';
}

function of(texts: readonly string[], room: string): string[] {
  return texts.filter((text) => text.startsWith(`${room} `));
}

function count(texts: readonly string[], room: string): number {
  return of(texts, room).length;
}

function numbered(room: string, length: number): string[] {
  return Array.from({ length }, (_, n) => `${room} ${n}`);
}
