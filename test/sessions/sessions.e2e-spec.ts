import { jest } from '@jest/globals';
import { MemoryBroker } from 'nestjs-simple-sse';
import { LateRooms } from '../../src/rooms/resume/late-rooms.js';
import { StreamSession } from '../../src/sessions/stream-session.js';
import { StreamSessions } from '../../src/sessions/stream-sessions.js';
import { express, platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';
import { eventually, pause, within } from '../support/within.js';
import { SessionPage, sessionApp } from './session-app.js';

const SESSION_GAP = 'gap {"rooms":[],"reason":"session"}';

describe.each(platforms)('a session of a stream, on $name', (platform) => {
  let running: RunningApp;

  beforeEach(async () => {
    running = await platform.start(sessionApp({ sessions: { ttlMs: 1_000, maxRooms: 3 } }));
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('restores rooms joined at run time, with what was said meanwhile, once and in order', async () => {
    const { sse } = running;
    const page = new SessionPage();
    const first = await page.connect(running);
    expect(page.ready).toMatchObject({ resumed: 'none', restored: [] });
    await sse.broadcast('chat', 'before the join');
    await first.join('chat');
    await sse.broadcast('chat', '1');
    await sse.broadcast('news', '2');
    expect(await page.untilNow(running)).toEqual(['1', '2']);
    await page.cut(first);
    for (const [room, text] of [
      ['chat', '3'],
      ['news', '4'],
      ['chat', '5'],
    ] as const)
      await sse.broadcast(room, text);

    const second = await page.connect(running);
    expect(page.ready).toMatchObject({ resumed: 'full', restored: ['chat'] });
    await sse.broadcast('chat', '6');
    expect(await page.untilNow(running)).toEqual(['3', '4', '5', '6']);
    expect([...second.rooms].toSorted()).toEqual(['chat', 'news']);
  });

  it('is resumed from the join of a room on, and never from before', async () => {
    const { sse } = running;
    const page = new SessionPage();
    const first = await page.connect(running);
    const oldId = page.lastEventId;
    await sse.broadcast('chat', 'before the join');
    await first.join('chat');
    await sse.broadcast('chat', 'after the join');
    await page.cut(first);
    // The client has read nothing but `sse:ready`.
    page.lastEventId = oldId;
    await page.connect(running);
    expect(await page.untilNow(running)).toEqual(['after the join']);
  });

  it('begins a stream without an id at the joins of its rooms, and the other rooms now', async () => {
    const { sse } = running;
    const page = new SessionPage();
    const first = await page.connect(running);
    await sse.broadcast('chat', 'before the join');
    await first.join('chat');
    await sse.broadcast('chat', 'after the join');
    await page.cut(first);
    await sse.broadcast('news', 'while it was away');
    page.lastEventId = undefined;
    const second = await page.connect(running);
    expect(page.ready).toMatchObject({ resumed: 'none', restored: ['chat'] });
    expect(page.lastEventId).toMatch(/^1\./);
    expect(await page.untilNow(running)).toEqual(['after the join']);
    await page.cut(second);
    await sse.broadcast('chat', 'next');
    await page.connect(running);
    expect(await page.untilNow(running)).toEqual(['next']);
  });

  it('forgets a room that the client has left', async () => {
    const page = new SessionPage();
    const first = await page.connect(running);
    await first.join('chat');
    await first.join('other');
    first.leave('chat');
    await page.untilNow(running);
    await page.cut(first);
    await running.sse.broadcast('chat', 'left');
    await page.connect(running);
    expect(page.ready.restored).toEqual(['other']);
    expect(await page.untilNow(running)).toEqual([]);
  });

  it('belongs to the user: another one with the same key has a new one', async () => {
    const page = new SessionPage({ user: 'ann' });
    const first = await page.connect(running);
    await first.join('secret');
    await page.untilNow(running);
    await page.cut(first);
    const other = new SessionPage({ user: 'bob', key: page.key });
    other.lastEventId = page.lastEventId;
    const client = await other.connect(running);
    expect(other.ready).toMatchObject({ restored: [] });
    await running.sse.broadcast('secret', 'of ann');
    expect(await other.untilNow(running)).toEqual([SESSION_GAP]);
    expect(client.in('secret')).toBe(false);
    await page.connect(running);
    expect(page.ready.restored).toEqual(['secret']);
    expect(client.isClosed).toBe(false);
  });

  it('belongs to the newest stream: an older one is ended for it, and does not come back', async () => {
    const old = new SessionPage();
    const client = await old.connect(running);
    await client.join('chat');
    const page = new SessionPage({ key: old.key });
    await page.connect(running);
    expect(await within(client.closed, 'the end of the older stream')).toBe('session-taken');
    await old.stream.receivedRetry(86_400_000);
    expect(page.ready.restored).toEqual(['chat']);
  });

  it('that is gone is announced to a stream that comes back with an id', async () => {
    const page = new SessionPage();
    const first = await page.connect(running);
    await first.join('chat');
    await page.untilNow(running);
    await page.cut(first);
    await pause(1_100);
    await page.connect(running);
    expect(page.ready).toMatchObject({ resumed: 'partial', restored: [] });
    expect(await page.untilNow(running)).toEqual([SESSION_GAP]);
  });

  it('is stored for as long as its stream is open', async () => {
    const page = new SessionPage();
    const first = await page.connect(running);
    await first.join('chat');
    await pause(2_500);
    await page.cut(first);
    await page.connect(running);
    expect(page.ready.restored).toEqual(['chat']);
  });

  it('refuses a room over the most that it may have', async () => {
    const page = new SessionPage();
    const client = await page.connect(running);
    for (const room of ['a', 'b', 'c']) expect(await client.join(room)).toBe(true);
    await expect(client.join('d')).rejects.toMatchObject({ code: 'too-many-rooms' });
    expect(client.in('d')).toBe(false);
    client.leave('a');
    expect(await client.join('d')).toBe(true);
  });

  it('gives ids to the events of a stream whose request names no room', async () => {
    const page = new SessionPage({ path: '/none' });
    const first = await page.connect(running);
    await first.join('chat');
    await running.sse.broadcast('chat', '1');
    expect(await page.untilNow(running, 'chat')).toEqual(['1']);
    await page.cut(first);
    await running.sse.broadcast('chat', '2');
    await page.connect(running);
    expect(await page.untilNow(running, 'chat')).toEqual(['2']);
  });

  it.each(['short', 'x'.repeat(129), 'with%20a%20space-0123', 'with.dots.0123456789', ''])(
    'answers %j with 400, and opens no stream',
    async (key) => {
      const answer = await running.open(`/news?session=${key}`);
      expect(answer.status).toBe(400);
      expect(running.sse.count()).toBe(0);
    },
  );

  it('leaves streams without it as they are', async () => {
    const stream = await running.listen('/news');
    const { data } = await stream.nextEvent({ control: true });
    expect(Object.keys(JSON.parse(data) as object)).toEqual(['clientId', 'resumed']);
  });
});

const startWithoutStore = (sessions?: boolean): Promise<RunningApp> =>
  express.start(sseApp({ options: { broker: new WrappedMemoryBroker(), sessions } }));

describe('the option sessions', () => {
  it('is refused with a broker that does not store sessions, and off where it is not asked for', async () => {
    await expect(startWithoutStore(true)).rejects.toMatchObject({ code: 'unsupported-by-broker' });
    await (await startWithoutStore()).close();
  });

  it('ignores the parameter with false', async () => {
    const app = await express.start(sessionApp({ sessions: false }));
    expect((await app.open('/news?session=short')).status).toBe(200);
    await app.close();
  });

  it('makes no call to the broker for streams without a session, and one for a hundred that come at once', async () => {
    const broker = new MemoryBroker();
    const change = jest.spyOn(broker.sessions, 'change');
    const app = await express.start(sessionApp({ broker }));
    await app.listen('/news');
    expect(change).not.toHaveBeenCalled();
    // The first call is made at once, and the next one 50 ms later.
    await new SessionPage().connect(app);
    expect(change).toHaveBeenCalledTimes(1);
    const pages = Array.from({ length: 20 }, () => new SessionPage());
    await Promise.all(pages.map((page) => page.connect(app)));
    expect(change.mock.calls.length).toBeLessThan(20);
    await app.close();
  });
});

// Called with its own `this`.
// oxlint-disable-next-line typescript/unbound-method
const { restore } = StreamSession.prototype;

describe('a broken session', () => {
  let app: RunningApp;
  beforeEach(async () => {
    app = await express.start(sessionApp());
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await app.close();
  });

  /** Joins a room, publishes before and after it, cuts the stream and opens it again. @returns what it receives then */
  async function receivedAgain(): Promise<string[]> {
    const page = new SessionPage();
    const first = await page.connect(app);
    const firstId = page.lastEventId;
    await app.sse.broadcast('chat', 'before');
    await first.join('chat');
    await app.sse.broadcast('chat', 'after');
    await page.cut(first);
    page.lastEventId = firstId;
    await page.connect(app);
    return page.untilNow(app);
  }

  it('is found where the session is not restored', async () => {
    expect(await receivedAgain()).toEqual(['after']);
    jest.spyOn(StreamSession.prototype, 'restore').mockImplementation(async function (this: StreamSession) {
      return { ...(await restore.call(this)), rooms: [] };
    });
    expect(await receivedAgain()).toEqual([]);
  });

  it('is found where the position of the join is ignored, so that events from before it come', async () => {
    jest.spyOn(LateRooms.prototype, 'since').mockReturnValue(0);
    expect(await receivedAgain()).toEqual(['before', 'after']);
  });

  it('is found where the position of the join is ignored, so that the room begins with the reconnect', async () => {
    jest.spyOn(StreamSession.prototype, 'restore').mockImplementation(async function (this: StreamSession) {
      const { rooms, isNew } = await restore.call(this);
      return { rooms: rooms.map((room) => ({ ...room, position: room.position + 1_000_000_000 })), isNew };
    });
    expect(await receivedAgain()).toEqual([]);
  });

  /** @returns the number of streams that stay open where two have one session */
  async function twoStreams(): Promise<number> {
    const page = new SessionPage();
    const first = await page.connect(app);
    const second = await new SessionPage({ key: page.key }).connect(app);
    await eventually(() => first.isClosed, 'the end of the first stream', 300).catch(() => {});
    return [first, second].filter(({ isClosed }) => !isClosed).length;
  }

  it('is found where two streams have one session', async () => {
    expect(await twoStreams()).toBe(1);
    jest.spyOn(StreamSessions.prototype, 'endPrevious').mockReturnValue(undefined);
    expect(await twoStreams()).toBe(2);
  });
});
