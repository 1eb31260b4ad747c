import { EventSource } from 'eventsource';
import { platforms } from '../support/platforms.js';
import { RawSocket } from '../support/raw-socket.js';
import { eventually, someTurns, within } from '../support/within.js';
import { keyOf, limitedApp, LimitedController, metrics, rooms } from './limits-app.js';
import type { SseLimitOptions, SseModuleOptions } from 'nestjs-simple-sse';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

const as = (user: string): { headers: Record<string, string> } => ({ headers: { user } });
const ofTenant = (tenant: string): { headers: Record<string, string> } => ({ headers: { tenant } });

/** Expects the answer that makes an `EventSource` come back later. */
async function expectReconnect(stream: EventStream): Promise<void> {
  expect([stream.status, stream.isEventStream]).toEqual([200, true]);
  expect(await within(stream.ended, 'the end')).toBe('whole');
  expect(stream.events).toEqual([]);
  expect(stream.retries).toHaveLength(1);
  expect(stream.retries[0]).toBeGreaterThanOrEqual(1_000);
  expect(stream.retries[0]).toBeLessThanOrEqual(3_000);
}

describe.each(platforms)('limits of streams, on $name,', (platform) => {
  let running: RunningApp;

  async function start(limits: SseLimitOptions, options: SseModuleOptions = {}): Promise<void> {
    running = await platform.start(limitedApp({ retryAfterMs: 2_000, ...limits }, options));
  }
  beforeEach(() => {
    metrics.limits.length = 0;
    rooms.wait = () => Promise.resolve();
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('maxStreams: the stream over it is asked to come back later, and has room once another one has ended', async () => {
    await start({ maxStreams: 2 });
    const [first] = [await running.listen('/stream'), await running.listen('/stream')];
    await expectReconnect(await running.open('/stream'));
    expect(metrics.limits).toEqual(['maxStreams']);
    expect(running.sse.count()).toBe(2);
    first?.close();
    await eventually(() => running.sse.count() === 1, 'its end');
    await running.listen('/stream');
    expect(running.sse.count()).toBe(2);
  });

  it.each([
    ['/stream', { accept: '*/*' }],
    ['/stream', { accept: 'application/json, text/event-stream' }],
    ['/stream', { 'sse-refusal': 'status' }],
    ['/raw', { accept: 'application/json' }],
  ])('a client that asks %s for a status gets one, with Retry-After: %j', async (path, headers) => {
    await start({ maxStreams: 1, maxStreamsPerUser: 1 });
    const stream = await running.listen('/stream', as('ada'));
    const overloaded = await running.open(path, { headers });
    expect(overloaded.status).toBe(503);
    expect(['1', '2', '3']).toContain(overloaded.headers['retry-after']);
    expect(await overloaded.json()).toEqual({ statusCode: 503, message: 'Too many streams' });
    stream.close();
    await eventually(() => running.sse.count() === 0, 'its end');
  });

  it('simultaneous requests cannot pass maxStreams together while their rooms are awaited', async () => {
    await start({ maxStreams: 5 });
    let go!: () => void;
    const going = new Promise<void>((resolve) => (go = resolve));
    rooms.wait = () => going;
    const opening = Array.from({ length: 20 }, () => running.open('/waiting'));
    await eventually(() => metrics.limits.length === 15, '15 refusals');
    go();
    const streams = await Promise.all(opening);
    await eventually(() => streams.filter(({ isOpen }) => isOpen).length === 5, 'five open streams');
    expect(running.sse.count()).toBe(5);
  });

  it('simultaneous requests cannot pass maxStreamsPerUser together, and other users are not affected', async () => {
    await start({ maxStreamsPerUser: 3 });
    const streams = await Promise.all(Array.from({ length: 10 }, () => running.open('/waiting', as('ada'))));
    await eventually(() => streams.filter(({ isOpen }) => isOpen).length === 3, 'three open streams');
    expect(metrics.limits).toEqual(Array(7).fill('maxStreamsPerUser'));
    await running.listen('/stream', as('grace'));
    await running.listen('/stream');
    expect(running.sse.count()).toBe(5);
    expect(await running.sse.presence('lobby')).toMatchObject([
      { user: 'ada', connections: 3 },
      { user: 'grace', connections: 1 },
    ]);
  });

  it('maxStreamsPerUser: the stream over it is asked to come back later, is in no room, and closed as limited', async () => {
    await start({ maxStreamsPerUser: 1 });
    const reasons: string[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const first = await running.listen('/stream', as('ada'));
    await expectReconnect(await running.open('/stream', as('ada')));
    expect(reasons).toEqual(['limited']);
    const refused = await running.open('/stream', { headers: { user: 'ada', accept: 'application/json' } });
    expect([refused.status, refused.headers['content-type']]).toEqual([
      429,
      'application/json; charset=utf-8',
    ]);
    expect(running.sse.count('lobby')).toBe(1);
    first.close();
    await eventually(() => running.sse.count() === 0, 'its end');
    expect(await running.sse.presence('lobby')).toEqual([]);
    await running.listen('/stream', as('ada'));
  });

  it("atUserLimit 'end-oldest': the oldest stream of the user ends as replaced, with a retry of a day", async () => {
    await start({ maxStreamsPerUser: 2, atUserLimit: 'end-oldest' });
    const reasons: string[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    await running.listen('/stream', as('grace'));
    const first = await running.listen('/stream', as('ada'));
    const second = await running.listen('/stream', as('ada'));
    await running.sse.broadcast('lobby', 'last', 1);
    const third = await running.listen('/stream', as('ada'));
    expect(await within(first.ended, 'the end of the oldest')).toBe('whole');
    expect(first.retries).toEqual([3_000, 86_400_000]);
    expect((await first.eventsUntilEnd()).map(({ event }) => event)).toEqual(['last']);
    expect([reasons, metrics.limits]).toEqual([['replaced'], ['maxStreamsPerUser']]);
    expect([second.isOpen, third.isOpen, running.sse.count()]).toEqual([true, true, 3]);
    // Each new one ends one, and no more.
    await running.listen('/stream', as('ada'));
    await within(second.ended, 'the end of the second');
    expect([third.isOpen, running.sse.count()]).toEqual([true, 3]);
  });

  it('maxStreamsPerAddress counts the streams of an address', async () => {
    await start({ maxStreamsPerAddress: 2 });
    const first = await running.listen('/stream', as('ada'));
    await running.listen('/stream', as('grace'));
    await expectReconnect(await running.open('/stream', as('linus')));
    expect(metrics.limits).toEqual(['maxStreamsPerAddress']);
    first.close();
    await eventually(() => running.sse.count() === 1, 'its end');
    await running.listen('/stream', as('linus'));
  });

  it('maxStreamsPerKey counts by a function of the request; its exception is the answer, and a wrong value 500', async () => {
    await start({ maxStreamsPerKey: 1, keyOf });
    const first = await running.listen('/stream', ofTenant('a'));
    await running.listen('/stream', ofTenant('b'));
    await running.listen('/stream');
    await running.listen('/stream');
    await expectReconnect(await running.open('/stream', ofTenant('a')));
    expect((await running.open('/stream', ofTenant('banned'))).status).toBe(403);
    first.close();
    await eventually(() => running.sse.count() === 3, 'its end');
    await running.listen('/stream', ofTenant('a'));
    expect(metrics.limits).toEqual(['maxStreamsPerKey']);
    await running.disconnectAll();
    await running.close();
    await start({ keyOf: () => ({}) as never });
    expect((await running.open('/stream')).status).toBe(500);
    expect(running.logger.complaints.map(({ text }) => text).join()).toContain('limits.keyOf');
  });

  it.each([
    ['/guarded', 403],
    ['/bad-room', 400],
    ['/failing-room', 500],
    ['/failing-handler', 410],
    ['/failing-head', undefined],
    ['/removed', 200],
  ])('a request for %s, which ends with %s, keeps no slot of any limit', async (path, status) => {
    await start({ maxStreams: 1, maxStreamsPerUser: 1, maxStreamsPerAddress: 1, maxStreamsPerKey: 1, keyOf });
    const headers = { user: 'ada', tenant: 'a' };
    for (let n = 0; n < 3; n++) {
      const answer = await running.open(path, { headers });
      if (status !== undefined) expect(answer.status).toBe(status);
      await within(answer.ended, 'the end of the answer');
    }
    expect((await running.open('/stream', { method: 'HEAD', headers })).status).toBe(200);
    await running.listen('/stream', { headers });
    expect(metrics.limits).toEqual([]);
    expect(await running.sse.presence('lobby')).toMatchObject([{ user: 'ada', connections: 1 }]);
  });

  it('a client that leaves while its rooms are awaited keeps no slot', async () => {
    await start({ maxStreams: 1 });
    let go!: () => void;
    const going = new Promise<void>((resolve) => (go = resolve));
    let waiting = 0;
    rooms.wait = () => {
      waiting++;
      return going;
    };
    const socket = await RawSocket.connect(running.url);
    socket.get('/waiting', ['Accept: text/event-stream']);
    await eventually(() => waiting === 1, 'the request');
    await expectReconnect(await running.open('/stream'));
    socket.reset();
    await someTurns(20);
    go();
    const opens = async (): Promise<boolean> => {
      await running.open('/stream');
      return running.sse.count() === 1;
    };
    await eventually(opens, 'room for the next stream');
  });

  it('a stream of add() is counted and refused as well, and its client is closed as limited', async () => {
    await start({ maxStreams: 1 });
    const first = await running.listen('/raw');
    await expectReconnect(await running.open('/raw'));
    await expectReconnect(await running.open('/stream'));
    const { reasons } = running.get(LimitedController);
    await eventually(() => reasons.length === 1, 'the reason');
    expect(reasons).toEqual(['limited']);
    first.close();
    await eventually(() => running.sse.count() === 0, 'its end');
    await running.listen('/raw', as('ada'));
  });

  it('maxStreamsPerUser refuses a stream of add() too', async () => {
    await start({ maxStreamsPerUser: 1 });
    await running.listen('/raw', as('ada'));
    await expectReconnect(await running.open('/raw', as('ada')));
    expect(running.sse.count('lobby')).toBe(1);
  });

  it('false switches each limit off', async () => {
    await start({
      maxStreams: false,
      maxStreamsPerUser: false,
      maxStreamsPerAddress: false,
      maxStreamsPerKey: false,
      maxAgeMs: false,
      keyOf,
    });
    const headers = { user: 'ada', tenant: 'a' };
    await Promise.all(Array.from({ length: 120 }, () => running.listen('/stream', { headers })));
    expect(running.sse.count()).toBe(120);
    expect(metrics.limits).toEqual([]);
  });

  it('maxAgeMs ends a stream as max-age, and its client resumes without loss', async () => {
    await start({ maxAgeMs: 150 }, { retryMs: 10 });
    const reasons: string[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const source = new EventSource(`${running.url}/stream`);
    const received: string[] = [];
    source.addEventListener('n', ({ data }) => received.push(String(data)));
    try {
      await eventually(() => running.sse.count() === 1, 'the client');
      for (let n = 0; reasons.length < 3; n++) {
        await running.sse.broadcast('lobby', 'n', n);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await running.sse.broadcast('lobby', 'n', 'end');
      await eventually(() => received.at(-1) === 'end', 'the last event');
      expect(received.slice(0, -1)).toEqual(received.slice(0, -1).map((_, n) => String(n)));
      expect(new Set(reasons)).toEqual(new Set(['max-age']));
    } finally {
      source.close();
    }
  });

  it('an EventSource that was refused comes back by itself, and opens once there is room', async () => {
    await start({ maxStreams: 1, retryAfterMs: 50 });
    const first = await running.listen('/stream');
    const source = new EventSource(`${running.url}/stream`);
    const received: string[] = [];
    source.addEventListener('n', ({ data }) => received.push(String(data)));
    try {
      await eventually(() => metrics.limits.length >= 2, 'two refusals');
      expect(source.readyState).not.toBe(EventSource.CLOSED);
      first.close();
      await eventually(
        () => running.sse.count('lobby') === 1 && source.readyState === EventSource.OPEN,
        'the stream',
      );
      await running.sse.broadcast('lobby', 'n', 'hello');
      await eventually(() => received.includes('hello'), 'the event');
    } finally {
      source.close();
    }
  });
});
