import { jest } from '@jest/globals';
import { FakeEventSource, FakeServer } from '../../test/client/fake-network.js';
import type { ConnectOptions } from './connect-options.interface.js';
import { connectSse } from './connect-sse.js';
import type { SseLive } from './sse-live.js';
import { eventually, someTurns } from '../../test/support/within.js';

interface AppEvents {
  paid: { id: number };
}

let live: SseLive<AppEvents>;
let errors: unknown[];

async function connect(options: ConnectOptions = {}): Promise<FakeEventSource> {
  errors = [];
  live = connectSse<AppEvents>('https://shop.example/events', {
    EventSource: FakeEventSource,
    onError: (error) => errors.push(error),
    ...options,
  });
  await someTurns(1);
  FakeEventSource.last.open();
  return FakeEventSource.last;
}

afterEach(() => live.close());

describe('listeners', () => {
  it('are called in their order until they are removed, each as often as it was added', async () => {
    const source = await connect();
    const calls: string[] = [];
    const first = (data: { id: number }): void => void calls.push(`first ${data.id}`);
    const stop = live.on('paid', first);
    live.on('paid', first);
    live.on('paid', (data, event) => calls.push(`second ${data.id} ${event.id}`));
    source.emit('paid', { id: 1 }, 'a');
    stop();
    stop();
    source.emit('paid', { id: 2 }, 'b');
    expect(calls).toEqual(['first 1', 'first 1', 'second 1 a', 'first 2', 'second 2 b']);
  });

  it('do not keep each other from being called, and what one throws is reported', async () => {
    const source = await connect();
    const fault = new Error('a listener failed');
    const received = jest.fn();
    live.on('paid', () => {
      throw fault;
    });
    live.on('paid', received);
    source.emit('paid', { id: 1 });
    expect([received.mock.calls.length, errors]).toEqual([1, [fault]]);
  });

  it('that throw do not end the stream where onError throws too', async () => {
    const server = new FakeServer();
    const report = jest.spyOn(console, 'error').mockImplementation(() => {});
    live = connectSse<AppEvents>('https://shop.example/events', {
      fetch: server.fetch,
      onError: (error) => {
        throw error;
      },
    });
    const ids: number[] = [];
    live.on('paid', ({ id }) => {
      ids.push(id);
      throw new Error(`bad ${id}`);
    });
    await someTurns(1);
    for (const id of [1, 2]) server.last.write(`event: paid\ndata: {"id":${id}}\n\n`);
    await eventually(() => ids.length === 2, 'both events');
    expect([server.requests.length, live.state]).toEqual([1, 'live']);
    expect(report.mock.calls).toEqual([[new Error('bad 1')], [new Error('bad 2')]]);
    report.mockRestore();
  });

  it('receive what the option parse returns, and control events as JSON', async () => {
    const source = await connect({ parse: (text, name) => `${name}: ${text}` });
    const received: unknown[] = [];
    live.on('paid', (data) => received.push(data));
    live.on('sse:join', (data) => received.push(data.user));
    source.emit('paid', { id: 1 });
    source.emit('sse:join', { room: 'a', user: 'ann' });
    expect(received).toEqual(['paid: {"id":1}', 'ann']);
  });
});

describe('a gap', () => {
  const gap = { rooms: ['*', 'orders/7'], reason: 'trimmed' };

  it('is passed to onGap', async () => {
    const source = await connect();
    const gaps: unknown[] = [];
    live.onGap((each) => gaps.push(each));
    source.emit('sse:gap', gap);
    expect([gaps, errors]).toEqual([[gap], []]);
  });

  it('that nobody handles is reported as an error that names the rooms', async () => {
    const source = await connect();
    live.onGap(() => {})();
    source.emit('sse:gap', gap);
    expect(errors).toEqual([
      expect.objectContaining({ code: 'gap', message: expect.stringContaining('orders/7') }),
    ]);
  });

  it('is reported by the platform without the option onError', async () => {
    const source = await connect({ onError: undefined });
    const report = jest.spyOn(console, 'error').mockImplementation(() => {});
    source.emit('sse:gap', gap);
    expect(report).toHaveBeenCalledWith(expect.objectContaining({ code: 'gap' }));
    report.mockRestore();
  });
});

describe('the state', () => {
  it('is passed at once, at each change, and not after removal; the detail is the same object until then', async () => {
    const source = await connect();
    const seen: string[] = [];
    const stop = live.onState((state, { reason }) => seen.push(`${state} ${reason}`));
    const { stateDetail } = live;
    expect(live.stateDetail).toBe(stateDetail);
    source.cut();
    stop();
    source.open();
    expect([seen, live.state]).toEqual([['live open', 'waiting cut'], 'live']);
  });

  it('is closed by close(), and by the signal, also one that is aborted already', async () => {
    const source = await connect();
    live.close();
    live.close();
    expect([live.state, source.readyState]).toEqual(['closed', 2]);
    const abort = new AbortController();
    await connect({ signal: abort.signal });
    abort.abort();
    expect(live.state).toBe('closed');
    live = connectSse('https://shop.example/events', { EventSource: FakeEventSource, signal: abort.signal });
    const count = FakeEventSource.opened.length;
    await someTurns(1);
    expect([live.state, FakeEventSource.opened.length]).toEqual(['closed', count]);
  });
});

describe('events()', () => {
  it('yields events in their order, also those that wait, until the client closes', async () => {
    const source = await connect();
    const events = live.events('paid');
    for (const id of [1, 2, 3]) source.emit('paid', { id }, String(id));
    live.close();
    const seen: [number, string][] = [];
    for await (const { data, id } of events) seen.push([data.id, id]);
    expect(seen).toEqual([
      [1, '1'],
      [2, '2'],
      [3, '3'],
    ]);
    for await (const _ of live.events('paid')) throw new Error('an event of a closed client');
  });

  it('wakes a loop that waits', async () => {
    const source = await connect();
    const next = live.events('paid').next();
    source.emit('paid', { id: 4 });
    expect((await next).value).toMatchObject({ data: { id: 4 } });
  });

  it('ends at once with the signal, without an error', async () => {
    const source = await connect();
    const abort = new AbortController();
    const events = live.events('paid', { signal: abort.signal });
    source.emit('paid', { id: 1 });
    abort.abort();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(await live.events('paid', { signal: abort.signal }).next()).toEqual({
      done: true,
      value: undefined,
    });
  });

  it('listens no longer once its loop was left', async () => {
    const source = await connect();
    const events = live.events('paid');
    source.emit('paid', { id: 1 });
    source.emit('paid', { id: 2 });
    for await (const _ of events) break;
    source.emit('paid', { id: 3 });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('ends with an error, after what fitted, when more events wait than maxQueued', async () => {
    const source = await connect();
    const events = live.events('paid', { maxQueued: 2 });
    for (const id of [1, 2, 3, 4]) source.emit('paid', { id });
    expect([(await events.next()).value.data, (await events.next()).value.data]).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
    await expect(events.next()).rejects.toMatchObject({ code: 'overflow' });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});
