import { NoopMetrics } from '../../metrics/noop-metrics.js';
import { SseFrame } from '../../protocol/sse-frame.js';
import { EMPTY_BATCH } from './batch.js';
import type { CloseReason } from '../close-reason.js';
import { ConnectionServices } from '../connection-services.js';
import { SendQueue } from './send-queue.js';
import type { ResponseWriter } from '../response/response-writer.js';

const LIMIT = 40_000;
const EVENT = 20_000;

/** A full socket. The operating system takes `freeWrites` further writes. */
class FullSocket {
  freeWrites = 0;
  written = 0;

  writeAtOnce(): boolean {
    return this.freeWrites > 0;
  }

  write(): boolean {
    return false;
  }

  writeFrames(frames: readonly SseFrame[]): boolean {
    this.written += frames.length;
    this.freeWrites--;
    return false;
  }

  onceDrained(): void {}
}

function stalled(): { queue: SendQueue; socket: FullSocket; closed: CloseReason[] } {
  const closed: CloseReason[] = [];
  const socket = new FullSocket();
  const services = new ConnectionServices({
    heartbeatIntervalMs: false,
    flushIntervalMs: false,
    writeTimeoutMs: false,
    maxQueuedBytes: LIMIT,
    shutdownGraceMs: 0,
    metrics: new NoopMetrics(),
  });
  const writer = socket as unknown as ResponseWriter;
  const queue = new SendQueue({ close: (reason) => closed.push(reason), writer, services });
  queue.write(EMPTY_BATCH.append(event()), 0);
  return { queue, socket, closed };
}

function event(): SseFrame {
  return new SseFrame('x'.repeat(EVENT));
}

describe('the queue of a stalled client', () => {
  it('accepts an event if the socket took enough bytes meanwhile', async () => {
    const { queue, socket, closed } = stalled();
    for (let n = 0; n < LIMIT / EVENT; n++) queue.queue(event(), true);
    // In a later turn a burst is not tolerated.
    await new Promise(setImmediate);
    socket.freeWrites = 1;
    expect(queue.queue(event(), true)).toBe(true);
    expect([socket.written, closed]).toEqual([1, []]);
  });

  it('closes a client as too slow if its limit is reached and the turn has ended', async () => {
    const { queue, closed } = stalled();
    for (let n = 0; n < LIMIT / EVENT; n++) queue.queue(event(), true);
    await new Promise(setImmediate);
    expect(queue.queue(event(), true)).toBe(false);
    expect(closed).toEqual(['slow-consumer']);
  });
});
