import { NoopMetrics } from '../../metrics/noop-metrics.js';
import { SseFrame } from '../../protocol/sse-frame.js';
import { EMPTY_BATCH } from './batch.js';
import type { CloseReason } from '../close-reason.js';
import { ConnectionServices } from '../connection-services.js';
import { SendQueue } from './send-queue.js';
import type { ResponseWriter } from '../response/response-writer.js';

const LIMIT = 40_000;
const EVENT = 20_000;

/** A socket that is full, and of which `room` further writes go to the operating system at once. */
class FullSocket {
  room = 0;
  written = 0;

  writeAtOnce(): boolean {
    return this.room > 0;
  }

  write(): boolean {
    return false;
  }

  writeFrames(frames: readonly SseFrame[]): boolean {
    this.written += frames.length;
    this.room--;
    return false;
  }

  onceDrained(): void {}
}

function stalled(): { outlet: SendQueue; socket: FullSocket; closed: CloseReason[] } {
  const closed: CloseReason[] = [];
  const socket = new FullSocket();
  const delivery = new ConnectionServices(
    {
      heartbeatIntervalMs: false,
      flushIntervalMs: false,
      writeTimeoutMs: false,
      maxQueuedBytes: LIMIT,
      shutdownGraceMs: 0,
      metrics: new NoopMetrics(),
    },
    () => {},
  );
  const writer = socket as unknown as ResponseWriter;
  const outlet = new SendQueue({ close: (reason) => closed.push(reason) }, writer, delivery);
  outlet.write(EMPTY_BATCH.append(event()), 0);
  return { outlet, socket, closed };
}

function event(): SseFrame {
  return new SseFrame('x'.repeat(EVENT));
}

describe('an outlet that is full', () => {
  it('keeps a client whose socket took so much meanwhile that the event fits', async () => {
    const { outlet, socket, closed } = stalled();
    for (let n = 0; n < LIMIT / EVENT; n++) outlet.queue(event(), true);
    // In a later turn, so that no burst is judged.
    await new Promise(setImmediate);
    socket.room = 1;
    expect(outlet.queue(event(), true)).toBe(true);
    expect([socket.written, closed]).toEqual([1, []]);
  });

  it('gives up a client whose socket takes nothing, once its limit is reached and the turn is over', async () => {
    const { outlet, closed } = stalled();
    for (let n = 0; n < LIMIT / EVENT; n++) outlet.queue(event(), true);
    await new Promise(setImmediate);
    expect(outlet.queue(event(), true)).toBe(false);
    expect(closed).toEqual(['slow-consumer']);
  });
});
