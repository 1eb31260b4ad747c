import { Controller, Get } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { someTurns } from '../support/within.js';
import { Door, full } from './door.js';
import { due, Hall, type Due, type Guest } from './hall.js';
import { HallController } from './hall.controller.js';
import { CountingMetrics } from './counting-metrics.js';
import type { CloseReason, SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const LARGE = 'x'.repeat(400_000);

@Controller()
class TickerController {
  /** Each of the ticker rooms is volatile by its name. */
  @Get('tickers')
  @SseRoom(['ticker/a', 'ticker/b', 'ledger'])
  tickers(): void {}
}

describe.each(platforms)('volatile events on $name', (platform) => {
  let running: RunningApp;
  let door: Door;
  let hall: Hall;
  let metrics: CountingMetrics;
  let reasons: CloseReason[];

  beforeEach(async () => {
    await start({});
  });

  async function start(options: SseModuleOptions): Promise<void> {
    metrics = new CountingMetrics();
    running = await platform.start(
      sseApp({
        controllers: [HallController, TickerController],
        options: {
          heartbeatIntervalMs: false,
          rooms: { 'ticker/*': { volatile: true } },
          metrics,
          ...options,
        },
      }),
    );
    door = await Door.open(running);
    hall = new Hall(running, door.connect);
    reasons = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  }

  afterEach(async () => {
    await hall.leave();
    await door.close();
    await running.close();
  });

  /** A client whose socket is full: what follows waits for it. */
  async function stalled(...rooms: string[]): Promise<Guest> {
    const guest = await hall.enter(...rooms);
    guest.receiver.valve?.shut();
    hall.publish(rooms[0] ?? '', 'large', LARGE);
    await full(door.newest);
    return guest;
  }

  it('of a stalled client: only the newest of each name and room, in its place between durable ones', async () => {
    const slow = await stalled('ledger', 'ticker/a', 'ticker/b');
    const quick = await hall.enter('ledger', 'ticker/a', 'ticker/b');
    const forSlow: Promise<Due>[] = [];
    const say = (room: string, event: string | undefined, data: string, kept = false): void => {
      const before = slow.dues.length;
      hall.publish(room, event, data);
      const [said] = slow.dues.splice(before);
      if (kept && said !== undefined) forSlow.push(said);
    };
    say('ticker/a', 'price', 'a1');
    say('ledger', 'entry', '1', true);
    say('ticker/a', 'price', 'a2');
    say('ticker/b', 'price', 'b1');
    say('ticker/a', undefined, 'unnamed', true);
    say('ledger', 'entry', '2', true);
    await someTurns(5);
    say('ticker/b', 'price', 'b2', true);
    say('ticker/a', 'size', 's1', true);
    say('ledger', 'entry', '3', true);
    say('ledger', 'price', 'not volatile', true);
    say('ticker/a', 'price', 'a3', true);
    await quick.check();
    expect(metrics.volatileDrops).toBe(3);
    slow.owe(...forSlow);
    slow.receiver.valve?.open();
    await slow.check();
    expect(reasons).toEqual([]);
  });

  it('by the option of one broadcast or send, whatever the room', async () => {
    const slow = await stalled('ledger');
    for (let n = 0; n < 10; n++) {
      await running.sse.broadcast('ledger', 'state', `${n}`, { volatile: true });
      expect(running.sse.send(slow.client, 'mine', `${n}`, { volatile: true })).toBe(true);
    }
    const durable = await running.sse.broadcast('ledger', 'state', 'durable');
    slow.owe(due('state', '9'), due('mine', '9'), due('state', 'durable', durable));
    slow.receiver.valve?.open();
    await slow.check();
    expect(metrics.volatileDrops).toBe(18);
  });

  it('`volatile: false` of a broadcast outweighs its room', async () => {
    const slow = await stalled('ticker/a');
    for (let n = 0; n < 5; n++) {
      await running.sse.broadcast('ticker/a', 'price', `${n}`, { volatile: false });
      slow.owe(due('price', `${n}`));
    }
    slow.receiver.valve?.open();
    await slow.check();
    expect(metrics.volatileDrops).toBe(0);
  });

  it('who keeps up gets each of them, in one turn and over many', async () => {
    await hall.enter('ticker/a', 'ledger');
    for (let n = 0; n < 1_000; n++) {
      hall.publish(n % 3 === 0 ? 'ledger' : 'ticker/a', 'price', `${n}`);
      if (n % 100 === 99) await someTurns(2);
    }
    await hall.check();
    expect(metrics.volatileDrops).toBe(0);
  });

  it('never end a stream, however many and large, while one durable event too many does', async () => {
    await hall.leave();
    await door.close();
    await running.close();
    await start({ maxQueuedBytes: 1_000_000 });
    const slow = await stalled('ticker/a', 'ledger');
    for (let n = 0; n < 100; n++) {
      await running.sse.broadcast('ticker/a', `event ${n % 10}`, 'x'.repeat(90_000));
      if (n % 10 === 0) await someTurns(1);
    }
    expect([reasons, slow.client.isClosed]).toEqual([[], false]);
    expect(metrics.volatileDrops).toBeGreaterThan(0);
    for (let n = 0; reasons.length === 0 && n < 100; n++)
      await running.sse.broadcast('ledger', 'entry', 'x'.repeat(90_000));
    expect(reasons).toEqual(['slow-consumer']);
    expect(metrics.closed).toEqual({ 'slow-consumer': 1 });
  });
});
