import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, someTurns } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';
import { UnixSocketListener, socketFull } from './unix-socket-listener.js';
import { DeliveryHarness } from './delivery-harness.js';
import { DeliveryController } from './delivery.controller.js';
import type { RunningApp } from '../support/running-app.js';

const BOUND = 1_000_000;
const EVENT = 40_000;

describe.each(platforms)('a client that reads nothing, on $name,', (platform) => {
  let running: RunningApp;
  let listener: UnixSocketListener;
  let harness: DeliveryHarness;
  let metrics: CountingMetrics;

  beforeEach(async () => {
    metrics = new CountingMetrics();
    running = await platform.start(
      sseApp({
        controllers: [DeliveryController],
        options: { heartbeatIntervalMs: false, maxQueuedBytes: BOUND, metrics },
      }),
    );
    listener = await UnixSocketListener.open(running);
    harness = new DeliveryHarness(running, listener.connect);
  });
  afterEach(async () => {
    await harness.disconnect();
    await listener.close();
    await running.close();
  });

  it('is cut at about maxQueuedBytes and received the start of the stream; others receive everything', async () => {
    const slow = await harness.connectClient('lobby');
    slow.received.reader?.pause();
    const slowEnd = listener.newest;
    const others = [
      await harness.connectClient('lobby'),
      await harness.connectClient('lobby', 'kitchen'),
      await harness.connectClient('kitchen'),
    ];
    let published = 0;
    let waited = 0;
    while (!slow.sseClient.isClosed && published < 100 * BOUND) {
      // All that was published to it, less what the kernel accepted.
      if (slowEnd.writableLength > 0) waited = published - (slowEnd.bytesWritten - slowEnd.writableLength);
      harness.publish('lobby', 'n', 'x'.repeat(EVENT));
      harness.publish('kitchen', 'n', `${published}`);
      published += EVENT;
      await harness.clients[1]?.receivedAll();
      await someTurns(2);
    }
    expect(metrics.closed).toEqual({ 'slow-consumer': 1 });
    expect(waited).toBeGreaterThan(BOUND - 2 * EVENT);
    expect(waited).toBeLessThan(2 * BOUND);

    const expected = await Promise.all(slow.expected);
    const sent = Buffer.from(expected.map(({ text }) => text).join(''));
    slow.received.reader?.resume();
    await slow.endsAs('cut');
    const prefix = slow.received.body.subarray(slow.received.body.indexOf('\n\n') + 2);
    expect(prefix.equals(sent.subarray(0, prefix.length))).toBe(true);
    expect(prefix.length).toBeLessThan(sent.length);

    harness.publish(['lobby', 'kitchen'], 'afterwards', '1');
    for (const client of others) await client.verify();
    expect(running.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('is sent nothing more after it is cut', async () => {
    const slow = await harness.connectClient('lobby');
    slow.received.reader?.pause();
    const slowEnd = listener.newest;
    while (!slow.sseClient.isClosed) {
      await running.sse.broadcast('lobby', 'n', 'x'.repeat(EVENT));
      await someTurns(1);
    }
    const written = slowEnd.bytesWritten;
    for (let n = 0; n < 20; n++) await running.sse.broadcast('*', 'n', 'x'.repeat(EVENT));
    expect(slow.sseClient.send('n', 1)).toBe(false);
    await someTurns(5);
    expect([slowEnd.destroyed, slowEnd.bytesWritten]).toEqual([true, written]);
    expect(metrics.closed).toEqual({ 'slow-consumer': 1 });
  });

  it('is forgotten when it disconnects with events queued for it', async () => {
    const slow = await harness.connectClient('lobby');
    slow.received.reader?.pause();
    harness.publish('lobby', 'n', 'x'.repeat(500_000));
    await socketFull(listener.newest);
    for (let n = 0; n < 10; n++) harness.publish('lobby', 'n', 'x'.repeat(EVENT));
    slow.received.close();
    await eventually(() => running.sse.count() === 0, 'the client forgotten');
    expect(metrics.closed).toEqual({ 'client-gone': 1 });
  });
});
