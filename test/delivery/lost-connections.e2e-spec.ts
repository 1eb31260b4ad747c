import { platforms } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { RawSocket } from '../support/raw-socket.js';
import { connectClient as connectPair, testApp } from '../support/test.controller.js';
import { sseApp } from '../support/sse-app.js';
import { PATIENCE_MS, eventually } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';
import { DeliveryHarness } from './delivery-harness.js';
import type { TestClient } from './test-client.js';
import { DeliveryController, streamPath } from './delivery.controller.js';
import { RawConnection } from './raw-connection.js';
import { TcpProxy } from './tcp-proxy.js';
import type { CloseReason, SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const LARGE = 'x'.repeat(500_000);

describe.each(platforms)('a client whose network is lost, on $name,', (platform) => {
  let running: RunningApp;
  let proxy: TcpProxy;
  let harness: DeliveryHarness;
  let metrics: CountingMetrics;
  let gone: { id: string; reason: CloseReason }[];
  /** Connects the next client through the proxy. */
  let behindProxy: boolean;

  async function start(options: SseModuleOptions): Promise<void> {
    metrics = new CountingMetrics();
    running = await platform.start(
      sseApp({ controllers: [DeliveryController], options: { metrics, ...options } }),
    );
    proxy = await TcpProxy.before(portOf(running.server));
    harness = new DeliveryHarness(running, (_running, rooms) => {
      const port = behindProxy ? proxy.port : portOf(running.server);
      return RawConnection.tcp(port).get(streamPath(rooms)).answer();
    });
    gone = [];
    running.sse.disconnected$.subscribe(({ client, reason }) => gone.push({ id: client.id, reason }));
  }

  afterEach(async () => {
    await proxy.close();
    await harness.disconnect();
    await running.close();
  });

  async function connectClient(through: 'proxy' | 'nothing'): Promise<TestClient> {
    behindProxy = through === 'proxy';
    return harness.connectClient('lobby');
  }

  it('is disconnected by writeTimeoutMs once its socket is full; others receive everything', async () => {
    await start({ heartbeatIntervalMs: false, writeTimeoutMs: 100, maxQueuedBytes: 1_000_000_000 });
    const [vanished, here] = [await connectClient('proxy'), await connectClient('nothing')];
    proxy.swallow();
    for (let n = 0; gone.length === 0 && n < 10_000; n++) {
      harness.publish('lobby', 'n', n < 60 ? `${n} ${LARGE}` : `${n}`);
      await here.receivedAll();
    }
    expect(gone).toEqual([{ id: vanished.sseClient.id, reason: 'write-timeout' }]);
    harness.publish('lobby', 'afterwards', '1');
    await here.verify();
    expect(metrics.closed).toEqual({ 'write-timeout': 1 });
    expect([...running.sse.clients('lobby')]).toEqual([here.sseClient]);
  });

  it('is disconnected as client-gone when a heartbeat is answered with a reset', async () => {
    await start({ heartbeatIntervalMs: 40, writeTimeoutMs: false });
    const [vanished, here] = [await connectClient('proxy'), await connectClient('nothing')];
    proxy.resetAtNextByte();
    await eventually(() => gone.length > 0, 'the vanished client found', PATIENCE_MS);
    expect(gone).toEqual([{ id: vanished.sseClient.id, reason: 'client-gone' }]);
    expect([...running.sse.clients('lobby')]).toEqual([here.sseClient]);
    expect(metrics.closed).toEqual({ 'client-gone': 1 });
    expect(running.logger.complaints).toEqual([]);
  });
});

describe.each(platforms)('a client that closes its connection, on $name,', (platform) => {
  let running: RunningApp;
  let reasons: CloseReason[];

  beforeEach(async () => {
    running = await platform.start(testApp({ options: { maxQueuedBytes: 64 * 1024 * 1024 } }));
    reasons = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  });
  afterEach(() => running.close());

  it.each(['reset', 'destroy', 'halfClose'] as const)('is forgotten as client-gone (%s)', async (how) => {
    const socket = await RawSocket.connect(running.url);
    socket.get('/rooms/lobby');
    await socket.receives(/\r\n\r\n/);
    expect(running.sse.count('lobby')).toBe(1);
    socket[how]();
    await eventually(() => running.sse.count() === 0, 'the client forgotten');
    expect(reasons).toEqual(['client-gone']);
    expect([...running.sse.rooms()]).toEqual([]);
    socket.destroy();
  });

  it('is forgotten at once with much queued for it, and no other client is disturbed', async () => {
    const quick = await connectPair(running, '/rooms/lobby');
    const socket = await RawSocket.connect(running.url, { reading: false });
    socket.get('/rooms/lobby');
    await eventually(() => running.sse.count('lobby') === 2, 'both clients');
    for (let n = 0; n < 200; n++) {
      await running.sse.broadcast('lobby', `${n} ${'x'.repeat(64 * 1024)}`);
      await quick.stream.nextEvent();
    }
    expect(reasons).toEqual([]);
    socket.reset();
    await eventually(() => running.sse.count() === 1, 'the vanished client forgotten');
    expect(reasons).toEqual(['client-gone']);
    await running.sse.broadcast('lobby', 'afterwards', 1);
    expect(await quick.stream.nextEvent()).toMatchObject({ event: 'afterwards' });
    expect(running.logger.complaints).toEqual([]);
  });
});
