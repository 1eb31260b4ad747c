import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, someTurns } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';
import { Door, full } from './door.js';
import { Hall } from './hall.js';
import { HallController } from './hall.controller.js';
import type { RunningApp } from '../support/running-app.js';

const BOUND = 1_000_000;
const EVENT = 40_000;

describe.each(platforms)('a client that reads nothing, on $name,', (platform) => {
  let running: RunningApp;
  let door: Door;
  let hall: Hall;
  let metrics: CountingMetrics;

  beforeEach(async () => {
    metrics = new CountingMetrics();
    running = await platform.start(
      sseApp({
        controllers: [HallController],
        options: { heartbeatIntervalMs: false, maxQueuedBytes: BOUND, metrics },
      }),
    );
    door = await Door.open(running);
    hall = new Hall(running, door.connect);
  });
  afterEach(async () => {
    await hall.leave();
    await door.close();
    await running.close();
  });

  it('is cut at about maxQueuedBytes; what it got is a part of the stream; others get everything', async () => {
    const slow = await hall.enter('hall');
    slow.receiver.valve?.shut();
    const slowEnd = door.newest;
    const others = [
      await hall.enter('hall'),
      await hall.enter('hall', 'kitchen'),
      await hall.enter('kitchen'),
    ];
    let published = 0;
    let waited = 0;
    while (!slow.client.isClosed && published < 100 * BOUND) {
      // All that was said to it, save for what the kernel has taken.
      if (slowEnd.writableLength > 0) waited = published - (slowEnd.bytesWritten - slowEnd.writableLength);
      hall.publish('hall', 'n', 'x'.repeat(EVENT));
      hall.publish('kitchen', 'n', `${published}`);
      published += EVENT;
      await hall.guests[1]?.caughtUp();
      await someTurns(2);
    }
    expect(metrics.closed).toEqual({ 'slow-consumer': 1 });
    expect(waited).toBeGreaterThan(BOUND - 2 * EVENT);
    expect(waited).toBeLessThan(2 * BOUND);

    const dues = await Promise.all(slow.dues);
    const sent = Buffer.from(dues.map(({ text }) => text).join(''));
    slow.receiver.valve?.open();
    await slow.endsAs('cut');
    const got = slow.receiver.body.subarray(slow.receiver.body.indexOf('\n\n') + 2);
    expect(got.equals(sent.subarray(0, got.length))).toBe(true);
    expect(got.length).toBeLessThan(sent.length);

    hall.publish(['hall', 'kitchen'], 'afterwards', '1');
    for (const guest of others) await guest.check();
    expect(running.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('hears of its end only through the socket: nothing is written to it any more', async () => {
    const slow = await hall.enter('hall');
    slow.receiver.valve?.shut();
    const slowEnd = door.newest;
    while (!slow.client.isClosed) {
      await running.sse.broadcast('hall', 'n', 'x'.repeat(EVENT));
      await someTurns(1);
    }
    const written = slowEnd.bytesWritten;
    for (let n = 0; n < 20; n++) await running.sse.broadcast('*', 'n', 'x'.repeat(EVENT));
    expect(slow.client.send('n', 1)).toBe(false);
    await someTurns(5);
    expect([slowEnd.destroyed, slowEnd.bytesWritten]).toEqual([true, written]);
    expect(metrics.closed).toEqual({ 'slow-consumer': 1 });
  });

  it('and leaves in the middle of it is forgotten, whatever waits for it', async () => {
    const slow = await hall.enter('hall');
    slow.receiver.valve?.shut();
    hall.publish('hall', 'n', 'x'.repeat(500_000));
    await full(door.newest);
    for (let n = 0; n < 10; n++) hall.publish('hall', 'n', 'x'.repeat(EVENT));
    slow.receiver.close();
    await eventually(() => running.sse.count() === 0, 'the client forgotten');
    expect(metrics.closed).toEqual({ 'client-gone': 1 });
  });
});
