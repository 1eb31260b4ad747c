import { Controller, Get } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { someTurns } from '../support/within.js';
import { UnixSocketListener, socketFull } from './unix-socket-listener.js';
import { DeliveryHarness } from './delivery-harness.js';
import { expectedEvent, type ExpectedEvent } from './expected-event.js';
import type { TestClient } from './test-client.js';
import { DeliveryController } from './delivery.controller.js';
import { CountingMetrics } from './counting-metrics.js';
import type { CloseReason, SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const LARGE = 'x'.repeat(400_000);

@Controller()
class TickerController {
  /** The names of the ticker rooms make them volatile. */
  @Get('tickers')
  @SseRoom(['ticker/a', 'ticker/b', 'ledger'])
  tickers(): void {}
}

describe.each(platforms)('volatile events on $name', (platform) => {
  let running: RunningApp;
  let listener: UnixSocketListener;
  let harness: DeliveryHarness;
  let metrics: CountingMetrics;
  let reasons: CloseReason[];

  beforeEach(async () => {
    await start({});
  });

  async function start(options: SseModuleOptions): Promise<void> {
    metrics = new CountingMetrics();
    running = await platform.start(
      sseApp({
        controllers: [DeliveryController, TickerController],
        options: {
          heartbeatIntervalMs: false,
          rooms: { 'ticker/*': { volatile: true } },
          metrics,
          ...options,
        },
      }),
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

  /** Connects a client with a full socket: later events are queued for it. */
  async function stalled(...rooms: string[]): Promise<TestClient> {
    const client = await harness.connectClient(...rooms);
    client.received.reader?.pause();
    harness.publish(rooms[0] ?? '', 'large', LARGE);
    await socketFull(listener.newest);
    return client;
  }

  it('reach a stalled client as the newest of each name and room, in their place between durable ones', async () => {
    const slow = await stalled('ledger', 'ticker/a', 'ticker/b');
    const quick = await harness.connectClient('ledger', 'ticker/a', 'ticker/b');
    const forSlow: Promise<ExpectedEvent>[] = [];
    const publish = (room: string, event: string | undefined, data: string, survives = false): void => {
      const before = slow.expected.length;
      harness.publish(room, event, data);
      const [expected] = slow.expected.splice(before);
      if (survives && expected !== undefined) forSlow.push(expected);
    };
    publish('ticker/a', 'price', 'a1');
    publish('ledger', 'entry', '1', true);
    publish('ticker/a', 'price', 'a2');
    publish('ticker/b', 'price', 'b1');
    publish('ticker/a', undefined, 'unnamed', true);
    publish('ledger', 'entry', '2', true);
    await someTurns(5);
    publish('ticker/b', 'price', 'b2', true);
    publish('ticker/a', 'size', 's1', true);
    publish('ledger', 'entry', '3', true);
    publish('ledger', 'price', 'not volatile', true);
    publish('ticker/a', 'price', 'a3', true);
    await quick.verify();
    expect(metrics.volatileDrops).toBe(3);
    slow.expect(...forSlow);
    slow.received.reader?.resume();
    await slow.verify();
    expect(reasons).toEqual([]);
  });

  it('are made so by the option of one broadcast or send, in any room', async () => {
    const slow = await stalled('ledger');
    for (let n = 0; n < 10; n++) {
      await running.sse.broadcast('ledger', 'state', `${n}`, { volatile: true });
      expect(running.sse.send(slow.sseClient, 'mine', `${n}`, { volatile: true })).toBe(true);
    }
    const durable = await running.sse.broadcast('ledger', 'state', 'durable');
    slow.expect(
      expectedEvent('state', '9'),
      expectedEvent('mine', '9'),
      expectedEvent('state', 'durable', durable),
    );
    slow.received.reader?.resume();
    await slow.verify();
    expect(metrics.volatileDrops).toBe(18);
  });

  it('are made durable by `volatile: false` of a broadcast, in a volatile room', async () => {
    const slow = await stalled('ticker/a');
    for (let n = 0; n < 5; n++) {
      await running.sse.broadcast('ticker/a', 'price', `${n}`, { volatile: false });
      slow.expect(expectedEvent('price', `${n}`));
    }
    slow.received.reader?.resume();
    await slow.verify();
    expect(metrics.volatileDrops).toBe(0);
  });

  it('all reach a client that keeps up, in one turn and over many', async () => {
    await harness.connectClient('ticker/a', 'ledger');
    for (let n = 0; n < 1_000; n++) {
      harness.publish(n % 3 === 0 ? 'ledger' : 'ticker/a', 'price', `${n}`);
      if (n % 100 === 99) await someTurns(2);
    }
    await harness.verify();
    expect(metrics.volatileDrops).toBe(0);
  });

  it('never end a stream, however many and large; one durable event too many does', async () => {
    await harness.disconnect();
    await listener.close();
    await running.close();
    await start({ maxQueuedBytes: 1_000_000 });
    const slow = await stalled('ticker/a', 'ledger');
    for (let n = 0; n < 100; n++) {
      await running.sse.broadcast('ticker/a', `event ${n % 10}`, 'x'.repeat(90_000));
      if (n % 10 === 0) await someTurns(1);
    }
    expect([reasons, slow.sseClient.isClosed]).toEqual([[], false]);
    expect(metrics.volatileDrops).toBeGreaterThan(0);
    for (let n = 0; reasons.length === 0 && n < 100; n++)
      await running.sse.broadcast('ledger', 'entry', 'x'.repeat(90_000));
    expect(reasons).toEqual(['slow-consumer']);
    expect(metrics.closed).toEqual({ 'slow-consumer': 1 });
  });
});
