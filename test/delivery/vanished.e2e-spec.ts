import { platforms } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';
import { Hall, type Guest } from './hall.js';
import { HallController } from './hall.controller.js';
import { HandWritten } from './hand-written.js';
import { Proxy } from './proxy.js';
import { PATIENCE_MS } from './receiver.js';
import { hallPath } from './ways.js';
import type { CloseReason, SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const LARGE = 'x'.repeat(500_000);

describe.each(platforms)('a client that vanishes without a word, on $name,', (platform) => {
  let running: RunningApp;
  let proxy: Proxy;
  let hall: Hall;
  let metrics: CountingMetrics;
  let gone: { id: string; reason: CloseReason }[];
  /** Whether the next client comes through the proxy. */
  let behindProxy: boolean;

  async function start(options: SseModuleOptions): Promise<void> {
    metrics = new CountingMetrics();
    running = await platform.start(
      sseApp({ controllers: [HallController], options: { metrics, ...options } }),
    );
    proxy = await Proxy.before(portOf(running.server));
    hall = new Hall(running, (_running, rooms) => {
      const port = behindProxy ? proxy.port : portOf(running.server);
      return HandWritten.tcp(port).get(hallPath(rooms)).answer();
    });
    gone = [];
    running.sse.disconnected$.subscribe(({ client, reason }) => gone.push({ id: client.id, reason }));
  }

  afterEach(async () => {
    await proxy.close();
    await hall.leave();
    await running.close();
  });

  async function enter(through: 'proxy' | 'nothing'): Promise<Guest> {
    behindProxy = through === 'proxy';
    return hall.enter('hall');
  }

  it('is found by writeTimeoutMs once the kernel takes no more; others receive everything', async () => {
    await start({ heartbeatIntervalMs: false, writeTimeoutMs: 100, maxQueuedBytes: 1_000_000_000 });
    const [vanished, here] = [await enter('proxy'), await enter('nothing')];
    proxy.swallow();
    for (let n = 0; gone.length === 0 && n < 10_000; n++) {
      hall.publish('hall', 'n', n < 60 ? `${n} ${LARGE}` : `${n}`);
      await here.caughtUp();
    }
    expect(gone).toEqual([{ id: vanished.client.id, reason: 'write-timeout' }]);
    hall.publish('hall', 'afterwards', '1');
    await here.check();
    expect(metrics.closed).toEqual({ 'write-timeout': 1 });
    expect([...running.sse.clients('hall')]).toEqual([here.client]);
  });

  it('and whose network answers with a reset is found by the heartbeat, as client-gone', async () => {
    await start({ heartbeatIntervalMs: 40, writeTimeoutMs: false });
    const [vanished, here] = [await enter('proxy'), await enter('nothing')];
    proxy.resetAtNextByte();
    await eventually(() => gone.length > 0, 'the vanished client found', PATIENCE_MS);
    expect(gone).toEqual([{ id: vanished.client.id, reason: 'client-gone' }]);
    expect([...running.sse.clients('hall')]).toEqual([here.client]);
    expect(metrics.closed).toEqual({ 'client-gone': 1 });
    expect(running.logger.complaints).toEqual([]);
  });
});
