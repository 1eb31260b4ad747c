import { UnixSocketListener, socketFull, readInParts } from './unix-socket-listener.js';
import { DeliveryHarness } from './delivery-harness.js';
import type { TestClient } from './test-client.js';
import { DeliveryController, streamPath } from './delivery.controller.js';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { RawConnection } from './raw-connection.js';
import { portOf } from '../support/port-of.js';
import type { CloseReason, SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const KIB = 1_024;
const MIB = 1_024 * KIB;

describe.each(platforms)('a client that reads slowly, on $name,', (platform) => {
  let running: RunningApp;
  let listener: UnixSocketListener;
  let harness: DeliveryHarness;
  let reasons: CloseReason[];

  async function start(options: SseModuleOptions): Promise<void> {
    running = await platform.start(
      sseApp({ controllers: [DeliveryController], options: { heartbeatIntervalMs: false, ...options } }),
    );
    listener = await UnixSocketListener.open(running);
    harness = new DeliveryHarness(running, listener.connect);
    reasons = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  }

  afterEach(async () => {
    await harness.disconnect();
    await listener.close();
    await running.close();
  });

  async function connectPaused(): Promise<TestClient> {
    const client = await harness.connectClient('lobby');
    client.received.reader?.pause();
    return client;
  }

  it('receives everything in order, in small parts with pauses', async () => {
    await start({ maxQueuedBytes: 8 * MIB });
    const [slow, quick] = [await connectPaused(), await harness.connectClient('lobby')];
    for (let n = 0; n < 600; n++) harness.publish('lobby', 'n', `${n} ${'x'.repeat((n * 37) % 5_000)}`);
    await quick.verify();
    const due = quick.received.length - 100;
    await readInParts(slow.received, due, { bytes: 7_001, everyMs: 1 });
    slow.received.reader?.resume();
    await slow.verify();
    expect(reasons).toEqual([]);
  });

  it('receives everything in order over TCP as well', async () => {
    await start({ maxQueuedBytes: 64 * MIB });
    harness = new DeliveryHarness(running, (_running, rooms) =>
      RawConnection.tcp(portOf(running.server)).get(streamPath(rooms)).answer(),
    );
    const slow = await connectPaused();
    for (let n = 0; n < 160; n++) harness.publish('lobby', 'n', `${n} ${'x'.repeat(100_000)}`);
    await readInParts(slow.received, 15 * MIB, { bytes: 100_003, everyMs: 1 });
    slow.received.reader?.resume();
    await slow.verify();
    expect(reasons).toEqual([]);
  });

  it('receives whole frames after it stopped in the middle of one', async () => {
    await start({ maxQueuedBytes: 8 * MIB });
    const slow = await connectPaused();
    for (let round = 1; round <= 6; round++) {
      for (let n = 0; n < 12; n++) harness.publish('lobby', 'n', `${round} ${n} ${'é'.repeat(30_000 + n)}`);
      await socketFull(listener.newest);
      const before = slow.received.length;
      slow.received.reader?.allow(250_000 + round);
      await slow.received.reaches(before + 200_000);
    }
    slow.received.reader?.resume();
    await slow.verify();
    expect(reasons).toEqual([]);
  });

  it('is not cut by writeTimeoutMs while it reads something, however large the event', async () => {
    await start({ maxQueuedBytes: 8 * MIB, writeTimeoutMs: 1_000 });
    const slow = await connectPaused();
    harness.publish('lobby', 'large', 'x'.repeat(6 * MIB));
    await socketFull(listener.newest);
    await readInParts(slow.received, 5 * MIB, { bytes: 24 * KIB, everyMs: 10 });
    slow.received.reader?.resume();
    await slow.verify();
    expect(reasons).toEqual([]);
  });

  it('receives what was queued after the application closed it, for as long as it reads', async () => {
    await start({ maxQueuedBytes: 8 * MIB });
    const slow = await connectPaused();
    for (let n = 0; n < 100; n++) harness.publish('lobby', 'n', `${n} ${'x'.repeat(50_000)}`);
    await socketFull(listener.newest);
    slow.sseClient.close();
    // Longer than shutdownGraceMs, which limits app.close() only.
    await readInParts(slow.received, 4 * MIB, { bytes: 32 * KIB, everyMs: 10 });
    slow.received.reader?.resume();
    await slow.endsAs('whole');
    await slow.verify();
    expect(reasons).toEqual(['closed']);
  });
});
