import { CountingMetrics } from '../delivery/counting-metrics.js';
import { drainApp, sources } from './drain-app.js';
import { allPlatforms, platforms } from '../support/platforms.js';
import { eventually, someTurns, within } from '../support/within.js';
import { Subject } from 'rxjs';
import type { SseGauges, SseModuleOptions } from 'nestjs-simple-sse';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

const RANGE = { minMs: 2_000, maxMs: 9_000 };
const asEventSource = { headers: { accept: 'text/event-stream' } };

async function endOf(stream: EventStream | undefined): Promise<string | undefined> {
  return stream?.ended;
}

/** Reads the events of a stream up to its end. */
async function texts(stream: EventStream | undefined): Promise<string[] | undefined> {
  const events = await stream?.eventsUntilEnd();
  return events?.map(({ data }) => data).filter((data) => data.startsWith('event'));
}

describe.each(platforms)('a node that drains, on $name,', (platform) => {
  let running: RunningApp;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    running = await platform.start(drainApp(options));
  }
  async function listen(count: number, path = '/lobby'): Promise<EventStream[]> {
    const streams: EventStream[] = [];
    for (let n = 0; n < count; n++) streams.push(await running.listen(path));
    return streams;
  }
  /** The times at which streams end, in milliseconds from now on. */
  function ends(): number[] {
    const [startMs, times]: [number, number[]] = [performance.now(), []];
    running.sse.disconnected$.subscribe(() => times.push(performance.now() - startMs));
    return times;
  }

  beforeEach(() => {
    sources.finite = new Subject();
    sources.rooms = () => Promise.resolve();
  });
  afterEach(() => running.close());

  it('ends each stream whole and no earlier than its part of the window, with a retry of its own', async () => {
    await start({ drainWindowMs: 1_200, retryMs: RANGE });
    const streams = await listen(12);
    const times = ends();
    await within(running.sse.drain(), 'the drain');
    expect(times).toHaveLength(12);
    for (const [index, timeMs] of times.entries()) expect(timeMs).toBeGreaterThan((index + 1) * 100 - 5);
    const retries = streams.map((stream) => stream.retries.at(-1) ?? 0);
    for (const [index, stream] of streams.entries()) {
      expect(await within(stream.ended, 'the end')).toBe('whole');
      expect(stream.retries).toHaveLength(2);
      expect(retries[index]).toBeGreaterThanOrEqual(RANGE.minMs);
      expect(retries[index]).toBeLessThanOrEqual(RANGE.maxMs);
    }
    expect(new Set(retries).size).toBeGreaterThan(6);
  });

  it('spreads a fixed retryMs by half of it, keeps the time that was set for a client, and sends none with false', async () => {
    await start({ drainWindowMs: 1, retryMs: 4_000 });
    const [fixed, own] = [await listen(8), await listen(1, '/own-retry')];
    await within(running.sse.drain(), 'the drain');
    await Promise.all([...fixed, ...own].map((stream) => within(stream.ended, 'the end')));
    for (const { retries } of fixed) expect(Math.abs((retries[1] ?? 0) - 4_000)).toBeLessThanOrEqual(2_000);
    expect(new Set(fixed.map(({ retries }) => retries[1])).size).toBeGreaterThan(3);
    expect(own[0]?.retries[0]).toBe(60_000);
    expect(own[0]?.retries[1]).toBeGreaterThanOrEqual(30_000);
    await running.close();
    await start({ drainWindowMs: 1, retryMs: false });
    const [silent] = await listen(1);
    await within(running.sse.drain(), 'the drain');
    await within(endOf(silent), 'the end');
    expect(silent?.retries).toEqual([]);
  });

  it('answers new streams with 200, retry and the end before the first open stream ends, and other routes as before', async () => {
    await start({ drainWindowMs: 600_000, retryMs: 4_000 });
    const [open] = await listen(1);
    void running.sse.drain();
    expect(running.sse.health()).toMatchObject({ state: 'draining', streams: 1 });
    for (const path of ['/lobby', '/raw', '/finite']) {
      const refused = await running.open(path, asEventSource);
      expect([refused.status, refused.isEventStream]).toEqual([200, true]);
      expect(await within(refused.ended, 'the end')).toBe('whole');
      expect([refused.events, refused.retries.length]).toEqual([[], 1]);
    }
    const page = await running.open('/page');
    expect([page.status, await page.text()]).toEqual([200, 'a page']);
    expect(open?.isOpen).toBe(true);
    expect(running.sse.count()).toBe(1);
    await running.disconnectAll();
  });

  it('answers a client that asks for a status with 503 and Retry-After', async () => {
    await start({ drainWindowMs: 1, retryMs: 4_000 });
    await running.sse.drain();
    const refused = await running.open('/lobby', { headers: { accept: 'application/json' } });
    expect([refused.status, await refused.json()]).toEqual([
      503,
      { statusCode: 503, message: 'Shutting down' },
    ]);
    expect(['2', '3', '4', '5', '6']).toContain(refused.headers['retry-after']);
  });

  it('lets the source of a handler end within the window, and ends a stream without such an end first', async () => {
    await start({ drainWindowMs: 1_000 });
    const [finite] = await listen(1, '/finite');
    const [endless] = await listen(1);
    const reasons: string[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => {
      reasons.push(reason);
      sources.finite.next('the last value');
      sources.finite.complete();
    });
    await within(running.sse.drain(), 'the drain');
    expect(reasons).toEqual(['shutdown', 'source-ended']);
    await within(endOf(endless), 'the end');
    expect((await finite?.eventsUntilEnd())?.map(({ data }) => data)).toEqual(['the last value']);
    expect(finite?.retries).toHaveLength(1);
  });

  it('ends a source that goes on at the end of the window', async () => {
    await start({ drainWindowMs: 100 });
    const [finite] = await listen(1, '/finite');
    await within(running.sse.drain(), 'the drain');
    expect(await within(endOf(finite), 'the end')).toBe('whole');
    expect(finite?.retries).toHaveLength(2);
    expect(sources.finite.observed).toBe(false);
  });

  it('delivers what is published meanwhile to the streams that are still open', async () => {
    await start({ drainWindowMs: 900 });
    const [first, second, third] = await listen(3);
    let published = 0;
    running.sse.disconnected$.subscribe(() => void running.sse.broadcast('lobby', `event ${++published}`));
    await within(running.sse.drain(), 'the drain');
    expect(await texts(first)).toEqual([]);
    expect(await texts(second)).toEqual(['event 1']);
    expect(await texts(third)).toEqual(['event 1', 'event 2']);
  });

  it('answers a request that was waiting for its rooms when the drain began', async () => {
    await start({ drainWindowMs: 150 });
    await listen(1);
    let go!: () => void;
    sources.rooms = () => new Promise((resolve) => (go = resolve));
    const opening = running.open('/waiting', asEventSource);
    await eventually(() => (go as unknown) !== undefined, 'the room function');
    const draining = running.sse.drain();
    go();
    const late = await opening;
    await within(draining, 'the drain');
    expect([late.status, await within(late.ended, 'the end')]).toEqual([200, 'whole']);
    expect(running.sse.count()).toBe(0);
  });

  it('is drained by app.close(), which waits for a drain that has begun and begins no second one', async () => {
    await start({ drainWindowMs: 800 });
    await listen(2);
    const times = ends();
    const draining = running.sse.drain();
    await eventually(() => times.length === 1, 'the first end');
    await running.shutDown();
    await draining;
    expect(times).toHaveLength(2);
    expect(times[1]).toBeGreaterThan(795);
    await running.close();
    await start({ drainWindowMs: 300, retryMs: RANGE });
    const [stream] = await listen(1);
    const closed = ends();
    await running.shutDown();
    expect(closed[0]).toBeGreaterThan(295);
    expect(stream?.retries).toHaveLength(2);
  });

  it('still has its gauges while app.close() drains it, and none after that', async () => {
    let read: (() => SseGauges | undefined) | undefined;
    const metrics = new (class extends CountingMetrics {
      started(gauges: () => SseGauges | undefined): void {
        read = gauges;
      }
    })();
    await start({ drainWindowMs: 600_000, metrics });
    await listen(1);
    const closing = running.shutDown();
    await eventually(() => running.sse.health().state === 'draining', 'the drain');
    await someTurns();
    expect(read?.()).toMatchObject({ rooms: 1 });
    await running.disconnectAll();
    await closing;
    expect(read?.()).toBeUndefined();
  });

  it('waits no longer than until its last stream has ended by itself', async () => {
    await start({ drainWindowMs: 600_000 });
    await listen(2);
    const draining = running.sse.drain();
    await running.disconnectAll();
    await within(draining, 'the drain');
  });

  it('ends all streams at once without a window, by app.close() without a second retry', async () => {
    await start({ retryMs: 4_000 });
    const [stream] = await listen(1);
    await running.shutDown();
    await within(endOf(stream), 'the end');
    expect(stream?.retries).toEqual([4_000]);
    await running.close();
    await start({ retryMs: 4_000 });
    const drained = await listen(3);
    await within(running.sse.drain(), 'the drain');
    for (const { retries } of drained) expect(retries).toHaveLength(2);
  });
});

describe.each(allPlatforms.filter(({ http2 }) => http2))('a node that drains, on $name,', (platform) => {
  it('ends each stream whole, with a retry of its own, and refuses new ones on the same connection', async () => {
    const running = await platform.start(drainApp({ drainWindowMs: 400, retryMs: RANGE }));
    try {
      const streams = [await running.listen('/lobby'), await running.listen('/lobby')];
      const closing = running.shutDown();
      await eventually(() => running.sse.health().state === 'draining', 'the drain');
      const refused = await running.open('/lobby', asEventSource);
      expect([refused.status, await within(refused.ended, 'the end')]).toEqual([200, 'whole']);
      expect(refused.retries).toHaveLength(1);
      for (const stream of streams) {
        expect(await within(stream.ended, 'the end')).toBe('whole');
        expect(stream.retries).toHaveLength(2);
      }
      await closing;
    } finally {
      await running.close();
    }
  });
});

describe.each(platforms)('a range of reconnection times, on $name,', (platform) => {
  let running: RunningApp;
  beforeEach(async () => {
    running = await platform.start(drainApp({ retryMs: RANGE }));
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it.each([
    ['the module', '/lobby', RANGE],
    ['@SseRoom', '/own-range', { minMs: 100, maxMs: 199 }],
    ['add', '/raw', { minMs: 300, maxMs: 399 }],
  ])('of %s gives each client one of its own', async (_, path, { minMs, maxMs }) => {
    const retries: number[] = [];
    for (let n = 0; n < 8; n++) {
      const stream = await running.listen(path);
      await eventually(() => stream.retries.length === 1, 'retry');
      retries.push(stream.retries[0] ?? 0);
    }
    for (const retry of retries) expect(retry >= minMs && retry <= maxMs).toBe(true);
    expect(new Set(retries).size).toBeGreaterThan(2);
  });

  it('of setRetry and disconnect gives each client one of its own, and a wrong one is refused', async () => {
    const streams: EventStream[] = [];
    for (let n = 0; n < 8; n++) streams.push(await running.listen('/lobby'));
    for (const client of running.sse.clients()) running.sse.setRetry(client, { minMs: 10, maxMs: 90 });
    await expect(
      running.sse.disconnect({ room: 'lobby' }, { retryMs: { minMs: 2, maxMs: 1 } }),
    ).rejects.toMatchObject({ code: 'invalid-retry' });
    expect(await running.sse.disconnect({ room: 'lobby' }, { retryMs: { minMs: 100, maxMs: 900 } })).toBe(8);
    await Promise.all(streams.map(({ ended }) => within(ended, 'the end')));
    const [set, disconnected] = [1, 2].map((index) => streams.map(({ retries }) => retries[index] ?? 0));
    for (const retry of set ?? []) expect(retry >= 10 && retry <= 90).toBe(true);
    for (const retry of disconnected ?? []) expect(retry >= 100 && retry <= 900).toBe(true);
    expect(new Set(disconnected).size).toBeGreaterThan(2);
  });
});
