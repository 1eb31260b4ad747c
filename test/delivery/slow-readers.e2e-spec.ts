import { Door, full, sip } from './door.js';
import { Guest, Hall } from './hall.js';
import { HallController } from './hall.controller.js';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { HandWritten } from './hand-written.js';
import { portOf } from '../support/port-of.js';
import { hallPath } from './ways.js';
import type { CloseReason, SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const KIB = 1_024;
const MIB = 1_024 * KIB;

describe.each(platforms)('a client that reads slowly, on $name,', (platform) => {
  let running: RunningApp;
  let door: Door;
  let hall: Hall;
  let reasons: CloseReason[];

  async function start(options: SseModuleOptions): Promise<void> {
    running = await platform.start(
      sseApp({ controllers: [HallController], options: { heartbeatIntervalMs: false, ...options } }),
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

  async function enterSlowly(): Promise<Guest> {
    const guest = await hall.enter('hall');
    guest.receiver.valve?.shut();
    return guest;
  }

  it('in small sips with pauses: gets everything in order', async () => {
    await start({ maxQueuedBytes: 8 * MIB });
    const [slow, quick] = [await enterSlowly(), await hall.enter('hall')];
    for (let n = 0; n < 600; n++) hall.publish('hall', 'n', `${n} ${'x'.repeat((n * 37) % 5_000)}`);
    await quick.check();
    const due = quick.receiver.length - 100;
    await sip(slow.receiver, due, { bytes: 7_001, everyMs: 1 });
    slow.receiver.valve?.open();
    await slow.check();
    expect(reasons).toEqual([]);
  });

  it('the same over TCP', async () => {
    await start({ maxQueuedBytes: 64 * MIB });
    hall = new Hall(running, (_running, rooms) =>
      HandWritten.tcp(portOf(running.server)).get(hallPath(rooms)).answer(),
    );
    const slow = await enterSlowly();
    for (let n = 0; n < 160; n++) hall.publish('hall', 'n', `${n} ${'x'.repeat(100_000)}`);
    await sip(slow.receiver, 15 * MIB, { bytes: 100_003, everyMs: 1 });
    slow.receiver.valve?.open();
    await slow.check();
    expect(reasons).toEqual([]);
  });

  it('that stops in the middle of a frame, and goes on later, gets no torn frame', async () => {
    await start({ maxQueuedBytes: 8 * MIB });
    const slow = await enterSlowly();
    for (let round = 1; round <= 6; round++) {
      for (let n = 0; n < 12; n++) hall.publish('hall', 'n', `${round} ${n} ${'é'.repeat(30_000 + n)}`);
      await full(door.newest);
      const before = slow.receiver.length;
      slow.receiver.valve?.allow(250_000 + round);
      await slow.receiver.holds(before + 200_000);
    }
    slow.receiver.valve?.open();
    await slow.check();
    expect(reasons).toEqual([]);
  });

  it('but always something, is not cut for writeTimeoutMs, however large the event', async () => {
    await start({ maxQueuedBytes: 8 * MIB, writeTimeoutMs: 1_000 });
    const slow = await enterSlowly();
    hall.publish('hall', 'large', 'x'.repeat(6 * MIB));
    await full(door.newest);
    await sip(slow.receiver, 5 * MIB, { bytes: 24 * KIB, everyMs: 10 });
    slow.receiver.valve?.open();
    await slow.check();
    expect(reasons).toEqual([]);
  });

  it('and is closed by the application, still gets what was queued, for as long as it reads', async () => {
    await start({ maxQueuedBytes: 8 * MIB });
    const slow = await enterSlowly();
    for (let n = 0; n < 100; n++) hall.publish('hall', 'n', `${n} ${'x'.repeat(50_000)}`);
    await full(door.newest);
    slow.client.close();
    // Longer than shutdownGraceMs, which is about something else.
    await sip(slow.receiver, 4 * MIB, { bytes: 32 * KIB, everyMs: 10 });
    slow.receiver.valve?.open();
    await slow.endsAs('whole');
    await slow.check();
    expect(reasons).toEqual(['closed']);
  });
});
