import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause } from '../support/within.js';
import { Door, full } from './door.js';
import { HallController } from './hall.controller.js';
import { Hall } from './hall.js';
import type { Socket } from 'node:net';

const INTERVAL_MS = 200;
const BEAT = '2\r\n:\n\r\n';

/** Every write to a socket, with the time since the one before. */
function watch(socket: Socket): { text: string; afterMs: number }[] {
  const writes: { text: string; afterMs: number }[] = [];
  let lastMs = performance.now();
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => {
    writes.push({ text: String(args[0]), afterMs: performance.now() - lastMs });
    lastMs = performance.now();
    return write(...args);
  };
  return writes;
}

function beats(writes: readonly { text: string }[]): number {
  return writes.filter(({ text }) => text.includes(BEAT)).length;
}

describe.each(platforms)('heartbeats on $name', (platform) => {
  it('pass over whoever was written to within the interval, and whoever does not read', async () => {
    const running = await platform.start(
      sseApp({
        controllers: [HallController],
        options: { heartbeatIntervalMs: INTERVAL_MS, writeTimeoutMs: false, maxQueuedBytes: 10_000_000 },
      }),
    );
    const door = await Door.open(running);
    const hall = new Hall(running, door.connect);
    await hall.enter('busy');
    const busy = watch(door.newest);
    await hall.enter('idle');
    const idle = watch(door.newest);
    const stalled = await hall.enter('stalled');
    stalled.receiver.valve?.shut();
    hall.publish('stalled', 'n', 'x'.repeat(1_000_000));
    await full(door.newest);
    const silent = watch(door.newest);

    for (let n = 0; beats(idle) < 5; n++) {
      await running.sse.broadcast('busy', 'n', n);
      await pause(5);
    }
    // Never early, by far: who was written to every few milliseconds is left alone. A busy machine makes silences longer.
    for (const { text, afterMs } of [...busy, ...idle])
      if (text.includes(BEAT)) expect(afterMs).toBeGreaterThan(INTERVAL_MS / 2);
    expect(beats(idle)).toBeGreaterThan(beats(busy));
    expect(silent).toEqual([]);

    stalled.receiver.valve?.open();
    await stalled.caughtUp();
    await eventually(() => stalled.receiver.body.toString().endsWith(':\n'), 'a beat once it reads again');
    await hall.leave();
    await door.close();
    await running.close();
  });
});
