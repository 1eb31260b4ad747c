import { jest } from '@jest/globals';
import { FakeEventSource, FakeServer } from '../../test/client/fake-network.js';
import { eventually, someTurns } from '../../test/support/within.js';
import type { ConnectOptions } from './connect-options.interface.js';
import { connectSse } from './connect-sse.js';
import type { ResponseLike } from './platform.js';
import type { SseLive } from './sse-live.js';
import type { SseState, SseStateDetail } from './sse-state.js';

const URL = 'https://shop.example/events';
const READY = { clientId: 'c', resumed: 'none', heartbeatMs: 1_000 };

let server: FakeServer;
let live: SseLive;
let errors: unknown[];
let states: [SseState, SseStateDetail][];

/** Lets promises settle, and time pass. */
const after = (ms = 0): Promise<void> => jest.advanceTimersByTimeAsync(ms);
const reasons = (): string[] => states.map(([state, { reason }]) => `${state}: ${reason}`);

async function connect(options: ConnectOptions = {}): Promise<void> {
  errors = [];
  states = [];
  live = connectSse(URL, {
    EventSource: FakeEventSource,
    fetch: server.fetch,
    onError: (error) => errors.push(error),
    ...options,
  });
  live.onState((state, detail) => states.push([state, detail]));
  await after();
}

/** Reads an answer as a whole, as that of React Native does. */
const fetchOfReactNative = async (): Promise<ResponseLike> => ({
  status: 200,
  headers: { get: () => 'text/event-stream' },
  body: null,
});

/** Connects over `fetch`. */
async function request(options: ConnectOptions = {}): Promise<void> {
  await connect({ transport: 'fetch', ...options });
}

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
  FakeEventSource.opened = [];
  server = new FakeServer();
});
afterEach(() => {
  live?.close();
  jest.restoreAllMocks();
  jest.useRealTimers();
});

it('a stream whose run has ended is closed, and not opened again', async () => {
  await connect();
  FakeEventSource.last.open();
  const ends: unknown[] = [];
  live.on('sse:end', (data) => ends.push(data));
  FakeEventSource.last.emit('sse:end', { run: 'r', state: 'done', events: 2 }, '3.e.2.end');
  await after(100_000);
  expect(ends).toEqual([{ run: 'r', state: 'done', events: 2 }]);
  expect(reasons().at(-1)).toBe('closed: ended');
  expect([FakeEventSource.opened.length, errors]).toEqual([1, []]);
});

describe('the transport', () => {
  it('is EventSource by default, which is asked for each name once, and for heartbeats', async () => {
    await connect({ withCredentials: true });
    expect(FakeEventSource.last).toMatchObject({
      url: `${URL}?sse=heartbeat`,
      init: { withCredentials: true },
    });
    const received: unknown[] = [];
    live.on('paid', (data) => received.push(data));
    live.on('paid', (data) => received.push(data));
    FakeEventSource.last.emit('paid', { id: 7 }, '1.a.b');
    expect(received).toEqual([{ id: 7 }, { id: 7 }]);
  });

  it.each<[string, ConnectOptions]>([
    ['headers', { headers: { authorization: 'Bearer x' } }],
    ['a method', { method: 'POST' }],
    ['a body', { body: '{}' }],
    ['a fetch alone', { EventSource: undefined }],
  ])('is fetch with %s', async (_name, options) => {
    await connect(options);
    expect([FakeEventSource.opened.length, server.requests.length]).toEqual([0, 1]);
  });

  it('sends the headers of each attempt, the body, and POST with a body', async () => {
    let token = 0;
    await connect({ headers: () => ({ authorization: `Bearer ${++token}` }), body: '{"filter":1}' });
    expect(server.last).toMatchObject({
      method: 'POST',
      body: '{"filter":1}',
      headers: { authorization: 'Bearer 1', accept: 'text/event-stream' },
      credentials: 'same-origin',
    });
    server.last.end();
    await after(1_000);
    expect(server.last.headers).toMatchObject({ authorization: 'Bearer 2' });
  });

  it('brings events, named or not, with their data, text and id', async () => {
    await request();
    const events: unknown[] = [];
    live.on('message', (_data, event) => events.push(event));
    live.on('paid', (_data, event) => events.push(event));
    server.last.write(
      'data: plain text\n\nevent: paid\ndata: {"id":7}\nid: 1.a.b\n\nevent: other\ndata: 1\n\n',
    );
    await after();
    expect(events).toEqual([
      { name: 'message', data: 'plain text', text: 'plain text', id: '' },
      { name: 'paid', data: { id: 7 }, text: '{"id":7}', id: '1.a.b' },
    ]);
  });

  it('refuses an EventSource with headers, and a relative URL outside a page', () => {
    const invalid = expect.objectContaining({ code: 'invalid-options' });
    expect(() => connectSse(URL, { transport: 'eventsource', headers: {} })).toThrow(invalid);
    expect(() => connectSse('/events')).toThrow(invalid);
    expect(() => connectSse(URL, { share: true, transport: 'eventsource' })).toThrow(invalid);
    expect(() => connectSse(URL, { share: true, lastEventId: '1.a.b' })).toThrow(invalid);
  });
});

describe('a client that would share', () => {
  it('has its own connection where it cannot, and reports that', async () => {
    await connect({ share: true });
    jest.useRealTimers();
    await eventually(() => FakeEventSource.opened.length === 1, 'a connection');
    jest.useFakeTimers();
    expect(errors).toEqual([expect.objectContaining({ code: 'not-shared' })]);
  });

  it('opens nothing when it is closed before its code is loaded', async () => {
    const connected = connect({ share: true });
    live.close();
    live.close();
    await connected;
    jest.useRealTimers();
    await import('./share/share-connection.js');
    await someTurns();
    jest.useFakeTimers();
    expect([live.state, FakeEventSource.opened, errors]).toEqual(['closed', [], []]);
  });
});

describe('a client with rooms', () => {
  const rooms = { url: '/rooms' };

  it('that is closed before its code is loaded rejects joined, also of later rooms', async () => {
    const connected = connect({ rooms });
    const closed = { code: 'left', message: 'The client was closed.' };
    const joined = expect(live.room('chat/7').joined).rejects.toMatchObject(closed);
    live.close();
    const later = live.room('chat/8');
    later.leave();
    await connected;
    jest.useRealTimers();
    await joined;
    await expect(later.joined).rejects.toMatchObject({ code: 'left' });
    jest.useFakeTimers();
    expect([FakeEventSource.opened, errors]).toEqual([[], []]);
  });

  it('whose connection cannot be made reports why, and is closed', async () => {
    const connected = connect({ rooms: { url: 'http://[' } });
    const joined = expect(live.room('chat/7').joined).rejects.toMatchObject({ code: 'left' });
    await connected;
    jest.useRealTimers();
    await joined;
    jest.useFakeTimers();
    expect([live.state, String(errors)]).toEqual(['closed', expect.stringContaining('Invalid URL')]);
  });
});

describe('the position', () => {
  it('of options begins the stream, in the URL of an EventSource and in place of an older one', async () => {
    await connect({ lastEventId: '1.a.b' });
    expect(FakeEventSource.last.url).toBe(`${URL}?sse=heartbeat&lastEventId=1.a.b`);
    live.close();
    live = connectSse(`${URL}?lastEventId=old&room=7#x`, {
      EventSource: FakeEventSource,
      lastEventId: 'new id',
    });
    await after();
    expect(FakeEventSource.last.url).toBe(`${URL}?room=7&sse=heartbeat&lastEventId=new%20id`);
  });

  it('of the last event begins the next attempt, as a header over fetch', async () => {
    await request({ ticket: () => 'x', headers: {} });
    server.last.write('id: 1\ndata: a\n\nid: 2\ndata: cut\n');
    await after();
    server.last.end();
    await after(1_000);
    expect(server.last.url).toBe(`${URL}?ticket=x&sse=heartbeat`);
    expect(server.last.headers).toMatchObject({ 'last-event-id': '1' });
  });

  it('is not forgotten when an EventSource has had no id of its own yet', async () => {
    await connect({ lastEventId: '1.a.b' });
    FakeEventSource.last.open();
    FakeEventSource.last.emit('sse:heartbeat', { heartbeatMs: 1_000 });
    await after(2_250);
    expect(FakeEventSource.last.url).toContain('lastEventId=1.a.b');
  });
});

describe('a stream that ends', () => {
  it('is opened again by the EventSource itself after a cut', async () => {
    await connect();
    FakeEventSource.last.open();
    FakeEventSource.last.cut();
    await after(60_000);
    FakeEventSource.last.open();
    expect(FakeEventSource.opened).toHaveLength(1);
    expect(reasons()).toEqual(['connecting: start', 'live: open', 'waiting: cut', 'live: open']);
  });

  it('is unreachable as long as its EventSource has never opened', async () => {
    await connect();
    FakeEventSource.last.cut();
    expect(reasons()).toEqual(['connecting: start', 'waiting: unreachable']);
  });

  it('is opened again over fetch after the time that the server named, or half a second on average', async () => {
    await request();
    server.last.write('retry: 7000\ndata: 1\n\n');
    await after();
    server.last.end();
    await after(6_999);
    expect(server.requests).toHaveLength(1);
    expect(states.at(-1)).toEqual(['waiting', expect.objectContaining({ reason: 'cut' })]);
    await after(1);
    expect(server.requests).toHaveLength(2);
  });

  it('is tried again with full-jitter back-off up to maxRetryMs, and the state says when', async () => {
    await request({ maxRetryMs: 5_000 });
    server.last.end();
    const waits: number[] = [];
    for (let n = 0; n < 5; n++) {
      server.answers.push('down');
      await after();
      const [, { retryAt }] = states.at(-1) as [SseState, SseStateDetail];
      waits.push((retryAt?.getTime() ?? 0) - Date.now());
      await after(waits.at(-1));
    }
    expect(waits).toEqual([500, 1_000, 2_000, 2_500, 2_500]);
    expect(reasons().slice(-2)).toEqual(['connecting: retry', 'waiting: unreachable']);
  });

  it('that was refused waits at least for Retry-After, and names the status', async () => {
    server.answers.push(503);
    server.headers = { 'retry-after': '9' };
    await request();
    expect(states.at(-1)).toEqual(['waiting', expect.objectContaining({ reason: 'refused', status: 503 })]);
    await after(8_999);
    expect(server.requests).toHaveLength(1);
    await after(1);
    expect(live.state).toBe('live');
  });

  it('that an EventSource gave up is tried over fetch, which sees the status and becomes the stream', async () => {
    await connect();
    FakeEventSource.last.open();
    FakeEventSource.last.emit('sse:ready', READY, '1.a.b');
    FakeEventSource.last.refuse();
    server.answers.push(503);
    await after(500);
    expect(server.last.url).toBe(`${URL}?sse=heartbeat&lastEventId=1.a.b`);
    expect(server.last.headers).toEqual({ accept: 'text/event-stream' });
    await after(1_000);
    expect(reasons().slice(2)).toEqual([
      'waiting: refused',
      'connecting: retry',
      'waiting: refused',
      'connecting: retry',
      'live: open',
    ]);
    expect(FakeEventSource.opened).toHaveLength(1);
  });

  it.each([401, 403])('with %i is closed for good, and reports it', async (status) => {
    server.answers.push(status);
    await request();
    await after(600_000);
    expect([live.state, live.stateDetail]).toEqual(['closed', { reason: 'refused', status }]);
    expect(server.requests).toHaveLength(1);
    expect(errors).toEqual([expect.objectContaining({ code: 'refused' })]);
  });

  it('with 204 is closed for good without an error', async () => {
    server.answers.push(204);
    await request();
    expect([live.state, errors]).toEqual(['closed', []]);
  });

  it('follows finalStatuses', async () => {
    server.answers.push(403, 404);
    await request({ finalStatuses: [404] });
    expect(live.state).toBe('waiting');
    await after(1_000);
    expect(live.state).toBe('closed');
  });

  it('is closed for good where fetch gives no access to the body', async () => {
    await request({ fetch: fetchOfReactNative });
    expect([live.state, live.stateDetail.reason]).toEqual(['closed', 'unreadable']);
    expect(errors).toEqual([expect.objectContaining({ code: 'unreadable' })]);
  });
});

describe('a ticket', () => {
  it('is asked for at each attempt of the client, as text or as the answer of the server', async () => {
    let asked = 0;
    await request({ ticket: async () => (++asked === 1 ? 't1' : { ticket: `t${asked}` }) });
    expect(server.last.url).toContain('ticket=t1');
    server.last.end();
    await after(500);
    expect(server.last.url).toContain('ticket=t2');
  });

  it('is asked for once more after a 401, then the client gives up', async () => {
    let asked = 0;
    server.answers.push(401, 401);
    await request({ ticket: () => `t${++asked}` });
    expect([asked, server.requests.length, live.state]).toEqual([2, 2, 'closed']);
    expect(errors).toEqual([expect.objectContaining({ code: 'refused' })]);
  });

  it('is asked for once more after an EventSource was refused, then the client gives up', async () => {
    let asked = 0;
    await connect({ ticket: () => `t${++asked}` });
    FakeEventSource.last.refuse();
    server.answers.push(401);
    await after(60_000);
    expect([asked, server.requests.length, live.state]).toEqual([2, 1, 'closed']);
  });

  it('is asked for again after a 401 of a later attempt', async () => {
    let asked = 0;
    server.answers.push(401);
    await request({ ticket: () => `t${++asked}` });
    server.answers.push(401);
    server.last.end();
    await after(1_000);
    expect([asked, live.state]).toEqual([4, 'live']);
  });

  it('that cannot be had is asked for again later, and the state has the reason', async () => {
    const ticket = jest.fn<() => string>().mockReturnValue('x');
    ticket.mockImplementationOnce(() => {
      throw new Error('offline');
    });
    await request({ ticket });
    expect(live.stateDetail).toMatchObject({ reason: 'ticket', error: new Error('offline') });
    await after(500);
    expect(live.state).toBe('live');
  });
});

describe('the watchdog', () => {
  beforeEach(async () => {
    await connect();
    FakeEventSource.last.open();
    FakeEventSource.last.emit('sse:ready', READY, '1.a.b');
  });

  it('calls a stream stale after a missing heartbeat, and opens another after two, at the position', async () => {
    await after(1_249);
    expect(live.state).toBe('live');
    await after(1);
    expect(live.state).toBe('stale');
    await after(999);
    expect(FakeEventSource.opened).toHaveLength(1);
    await after(1);
    expect(FakeEventSource.opened).toHaveLength(2);
    expect(FakeEventSource.last.url).toContain('lastEventId=1.a.b');
    expect(FakeEventSource.opened[0]?.readyState).toBe(2);
    expect(reasons().slice(2)).toEqual(['stale: silence', 'connecting: silence']);
  });

  it('is content with any event, and takes a stale stream for live again', async () => {
    const received = jest.fn();
    live.on('sse:heartbeat' as 'sse:ready', received);
    for (let n = 0; n < 10; n++) {
      await after(1_500);
      FakeEventSource.last.emit('sse:heartbeat', { heartbeatMs: 1_000 });
    }
    expect([live.state, FakeEventSource.opened.length]).toEqual(['live', 1]);
    expect(received).not.toHaveBeenCalled();
  });

  it('ignores what an older stream still brings', async () => {
    const [old] = FakeEventSource.opened;
    const received = jest.fn();
    live.on('paid', received);
    await after(2_250);
    if (old !== undefined) old.readyState = 1;
    old?.emit('paid', 1, '9');
    old?.refuse();
    expect(received).not.toHaveBeenCalled();
    expect(live.state).toBe('connecting');
  });

  it('is off before the server has named an interval, and with watchdog: false', async () => {
    live.close();
    await connect({ watchdog: false });
    expect(FakeEventSource.last.url).toBe(URL);
    FakeEventSource.last.open();
    FakeEventSource.last.emit('sse:ready', { clientId: 'c', resumed: 'none' });
    await after(3_600_000);
    expect(live.state).toBe('live');
  });

  it('gives up an attempt that nobody answers', async () => {
    await after(2_250 + 2_249);
    expect(FakeEventSource.opened).toHaveLength(2);
    await after(1);
    expect(FakeEventSource.opened).toHaveLength(3);
  });

  it('gives up the first attempt too, after 67.5 seconds, unless it is off', async () => {
    live.close();
    await connect();
    const off = connectSse(URL, { EventSource: FakeEventSource, watchdog: false });
    await after(67_499);
    expect([FakeEventSource.opened.length, live.state]).toEqual([3, 'connecting']);
    await after(1);
    expect([FakeEventSource.opened.length, reasons().at(-1)]).toEqual([4, 'connecting: silence']);
    off.close();
  });

  it('does not give up a stream of a server without heartbeats', async () => {
    live.close();
    await connect();
    FakeEventSource.last.open();
    await after(3_600_000);
    expect(reasons()).toEqual(['connecting: start', 'live: open']);
  });

  it('watches a stream that is open again before its first event', async () => {
    FakeEventSource.last.cut();
    await after(5_000);
    FakeEventSource.last.open();
    await after(2_250);
    expect(reasons().slice(-2)).toEqual(['stale: silence', 'connecting: silence']);
  });

  it('reconnects once at most where the clock jumps, and sees silence none the less', async () => {
    jest.setSystemTime(Date.now() - 3_600_000);
    await after(1_250);
    expect(live.state).toBe('stale');
    await after(1_000);
    expect(FakeEventSource.opened).toHaveLength(2);
    FakeEventSource.last.open();
    FakeEventSource.last.emit('sse:ready', READY, '1.a.b');
    jest.setSystemTime(Date.now() + 7_200_000);
    await after(1_249);
    expect([live.state, FakeEventSource.opened.length]).toEqual(['live', 2]);
  });

  it('counts nothing as missing once the server has no interval any more', async () => {
    FakeEventSource.last.emit('sse:ready', { clientId: 'c', resumed: 'none' });
    await after(60_000);
    expect([live.state, FakeEventSource.opened.length]).toEqual(['live', 1]);
  });

  it('ends with the client: no timer is left', () => {
    live.close();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('a page that comes back', () => {
  let page: EventTarget;

  beforeEach(() => {
    page = new EventTarget();
    Object.assign(globalThis, {
      addEventListener: page.addEventListener.bind(page),
      removeEventListener: page.removeEventListener.bind(page),
    });
  });
  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'addEventListener');
    Reflect.deleteProperty(globalThis, 'removeEventListener');
  });

  it.each(['online', 'pageshow'])('does not wait any longer after %s', async (type) => {
    server.answers.push('down');
    await request();
    expect(live.state).toBe('waiting');
    page.dispatchEvent(new Event(type));
    expect(reasons().at(-1)).toBe('connecting: wake');
    await after();
    expect([live.state, server.requests.length]).toEqual(['live', 2]);
  });

  it('opens a stream at once that missed its heartbeats while the machine slept, and leaves others alone', async () => {
    await connect();
    FakeEventSource.last.open();
    FakeEventSource.last.emit('sse:ready', READY, '1.a.b');
    page.dispatchEvent(new Event('pageshow'));
    expect(FakeEventSource.opened).toHaveLength(1);
    jest.setSystemTime(Date.now() + 60_000);
    page.dispatchEvent(new Event('pageshow'));
    await after();
    expect(FakeEventSource.opened).toHaveLength(2);
    expect(reasons().at(-1)).toBe('connecting: wake');
  });

  it('gives up an attempt that hangs', async () => {
    await connect();
    page.dispatchEvent(new Event('online'));
    await after();
    expect(FakeEventSource.opened).toHaveLength(1);
    await after(10_001);
    page.dispatchEvent(new Event('online'));
    await after();
    expect(FakeEventSource.opened).toHaveLength(2);
  });

  it('does not wake a closed client', async () => {
    await connect();
    live.close();
    page.dispatchEvent(new Event('online'));
    await after(60_000);
    expect([FakeEventSource.opened.length, live.state]).toEqual([1, 'closed']);
  });
});
