import { Controller, Get } from '@nestjs/common';
import { of } from 'rxjs';
import { SseError, SseRoom, type SseModuleOptions } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { refusal } from '../support/refusal.js';
import { connectClient, testApp } from '../support/test.controller.js';
import { eventually } from '../support/within.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';
import { RecordingMetrics } from './recording-metrics.js';
import type { RunningApp } from '../support/running-app.js';

@Controller()
class ValuesController {
  @Get('values')
  @SseRoom()
  values(): unknown {
    return of({ data: 'one' }, { data: 'two' });
  }
}

class RefusingBroker extends WrappedMemoryBroker {
  override publish(): Promise<never> {
    return Promise.reject(new SseError('broker-unavailable', 'Redis is away.'));
  }
}

/** Bytes of the events of a stream from the first one with a name of the application on. */
function bytesAfter(text: string, event: string): number {
  const block = text.split('\n\n').find((each) => each.includes(`event: ${event}\n`)) ?? '';
  return Buffer.byteLength(`${block}\n\n`);
}

describe.each(platforms)('the metrics of events on $name', (platform) => {
  let metrics: RecordingMetrics;
  let running: RunningApp;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    metrics = new RecordingMetrics();
    running = await platform.start(
      testApp({ controllers: [ValuesController], options: { metrics, ...options } }),
    );
  }
  afterEach(() => running.close());

  it('count a publish once, with its fan-out and the bytes that its clients receive', async () => {
    await start();
    const clients = [
      await connectClient(running, '/rooms/shop'),
      await connectClient(running, '/rooms/shop'),
      await connectClient(running, '/rooms/bar'),
    ];
    await running.sse.broadcast('shop', 'paid', { cents: 7 });
    await running.sse.broadcast('attic', 'paid', { cents: 7 });
    await clients[0]?.stream.nextEvent();
    const bytes = bytesAfter(clients[0]?.stream.rawText ?? '', 'paid');
    expect(bytes).toBeGreaterThan(30);
    expect(metrics.of('eventDelivered')).toEqual([[2, 2 * bytes]]);
    expect(metrics.of('eventPublished')).toEqual([['accepted'], ['accepted']]);
    expect(metrics.of('brokerCalled').filter(([call]) => call === 'publish')).toEqual([
      ['publish', 'ok', expect.any(Number)],
      ['publish', 'ok', expect.any(Number)],
    ]);
  });

  it('count a publish that the broker refuses, and its call', async () => {
    await start({ broker: new RefusingBroker() });
    expect((await refusal(() => running.sse.broadcast('shop', 'n', 1))) as SseError).toMatchObject({
      code: 'broker-unavailable',
    });
    expect(metrics.of('eventPublished')).toEqual([['failed']]);
    expect(metrics.of('brokerCalled')).toContainEqual(['publish', 'failed', expect.any(Number)]);
  });

  it('count what is sent to one client, by `send` and by a handler', async () => {
    await start();
    const { client, stream } = await connectClient(running);
    client.send('alone', 'x');
    await stream.nextEvent();
    const values = await running.listen('/values');
    await values.nextEvents(2);
    expect(metrics.of('eventSent')).toEqual([
      [Buffer.byteLength('event: alone\ndata: x\n\n')],
      [Buffer.byteLength('data: one\n\n')],
      [Buffer.byteLength('data: two\n\n')],
    ]);
    expect(metrics.of('eventDelivered')).toEqual([]);
  });

  it('measure the latency of one event in 10 ms, not for each client or event', async () => {
    await start();
    for (let n = 0; n < 5; n++) await connectClient(running, '/rooms/shop');
    await Promise.all(Array.from({ length: 20 }, (_, n) => running.sse.broadcast('shop', 'n', n)));
    await eventually(() => metrics.of('eventWritten').length > 0, 'the latency');
    expect(metrics.of('eventDelivered')).toHaveLength(20);
    // All were published in one turn of the event loop.
    expect(metrics.of('eventWritten')).toHaveLength(1);
    const [{ lagMs, totalMs }] = metrics.of('eventWritten')[0] as [{ lagMs: number; totalMs: number }];
    expect(lagMs).toBeGreaterThanOrEqual(0);
    expect(totalMs).toBeGreaterThanOrEqual(lagMs);
    await eventually(async () => {
      await running.sse.broadcast('shop', 'n', 21);
      return metrics.of('eventWritten').length >= 2;
    }, 'the next latency');
  });

  it('count a resume by its outcome and source, the events that it sends, and gaps by reason', async () => {
    await start({ historyMaxEvents: 3 });
    const first = await connectClient(running, '/rooms/shop');
    await running.sse.broadcast('shop', 'n', 0);
    const { id = '' } = await first.stream.nextEvent();
    first.stream.close();
    await eventually(() => running.sse.count() === 0, 'the first client gone');
    for (const n of [1, 2]) await running.sse.broadcast('shop', 'n', n);
    await (await running.listen('/rooms/shop', { headers: { 'last-event-id': id } })).nextEvents(2);
    await eventually(() => metrics.of('eventsReplayed').length === 1, 'the replay');
    for (const n of [3, 4, 5]) await running.sse.broadcast('shop', 'n', n);
    await (await running.listen('/rooms/shop', { headers: { 'last-event-id': id } })).nextEvents(3);
    await (
      await running.listen('/rooms/shop', { headers: { 'last-event-id': 'x' } })
    ).nextEvent({ control: true });
    await eventually(() => metrics.of('gapSent').length === 2, 'the second gap');
    expect(metrics.of('clientResumed')).toEqual([
      ['full', 'node'],
      ['partial', 'node'],
      ['none', 'none'],
    ]);
    expect(metrics.of('gapSent')).toEqual([
      ['trimmed', 1],
      ['invalid', 1],
    ]);
    expect(metrics.of('eventsReplayed')).toEqual([[2], [3]]);
  });

  it('hold no name of a room, a user, an event or an address', async () => {
    await start({ identify: () => ({ user: 'secret-user' }) });
    const { stream, client } = await connectClient(running, '/rooms/secret-room?ticket=secret');
    client.send('secret-event', 'secret-data');
    await running.sse.broadcast('secret-room', 'secret-event', 'secret-data');
    await stream.nextEvents(2);
    await eventually(() => metrics.of('eventWritten').length === 1, 'the latency');
    await running.sse.disconnect({ user: 'secret-user' });
    await stream.ended;
    expect(metrics.calls.length).toBeGreaterThanOrEqual(8);
    expect(JSON.stringify(metrics.calls)).not.toContain('secret');
    expect(JSON.stringify(metrics.calls)).not.toContain('127.0.0.1');
  });
});

describe.each(platforms)('the gauges on $name', (platform) => {
  it('are the slow clients, the bytes that wait for them and the rooms of the node, until it closes', async () => {
    const metrics = new RecordingMetrics();
    const running = await platform.start(
      testApp({ options: { metrics, writeTimeoutMs: false, maxQueuedBytes: 2 ** 26 } }),
    );
    expect(metrics.read()).toEqual({ slowClients: 0, queuedBytes: 0, rooms: 0, runs: 0, runFollowers: 0 });
    const slow = await connectClient(running, '/rooms/shop');
    await connectClient(running, '/rooms/bar');
    slow.stream.pause();
    const data = 'x'.repeat(2 ** 20);
    for (let n = 0; n < 16; n++) {
      await running.sse.broadcast('shop', 'n', data);
      await new Promise(setImmediate);
    }
    const read = metrics.read();
    expect(read).toMatchObject({ slowClients: 1, rooms: 2 });
    expect(read?.queuedBytes).toBeGreaterThan(2 ** 20);
    slow.stream.resume();
    await slow.stream.nextEvents(16);
    await eventually(() => metrics.read()?.slowClients === 0, 'the client not slow');
    expect(metrics.read()?.queuedBytes).toBe(0);
    await running.close();
    expect(metrics.read()).toBeUndefined();
  });
});
