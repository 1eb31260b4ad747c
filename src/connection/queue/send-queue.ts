import type { SseFrame } from '../../protocol/sse-frame.js';
import { EMPTY_BATCH, type Batch } from './batch.js';
import type { CloseReason } from '../close-reason.js';
import type { ConnectionServices } from '../connection-services.js';
import type { ResponseWriter } from '../response/response-writer.js';
import type { Stallable } from '../timers/write-timeout-timer.js';
import { StalledQueue } from './stalled-queue.js';

/** How many times the limit may come within one turn of the event loop. */
const BURST_FACTOR = 4;

/** Whose way out it is. */
interface Owner {
  close(reason: CloseReason): void;
}

/**
 * One client's way out. While its socket takes what is written, nothing waits here; while it does not, frames wait by
 * reference, bounded by `maxQueuedBytes`, and go out piece by piece when it drains.
 */
export class SendQueue implements Stallable {
  readonly #owner: Owner;
  readonly #writer: ResponseWriter;
  readonly #delivery: ConnectionServices;
  #stall: StalledQueue | undefined;
  /** Whole milliseconds: a number that V8 keeps without an object of its own. */
  lastWriteMs = 0;

  constructor(owner: Owner, writer: ResponseWriter, delivery: ConnectionServices) {
    this.#owner = owner;
    this.#writer = writer;
    this.#delivery = delivery;
  }

  /** Whether the socket is full. */
  get isStalled(): boolean {
    return this.#stall !== undefined;
  }

  get stalledSinceMs(): number {
    return this.#stall?.sinceMs ?? Infinity;
  }

  /** Writes what the client has not heard; not while it is stalled. */
  write(batch: Batch, nowMs: number): void {
    this.lastWriteMs = nowMs;
    if (this.#writer.write(batch)) return;
    this.#stall = new StalledQueue(nowMs, this.#delivery.turns.current);
    this.#awaitDrain();
  }

  /** Queues a frame while the client is stalled. @returns whether it was accepted; if not, the client may be closed */
  queue(frame: SseFrame, bounded: boolean): boolean {
    const stall = this.#stall as StalledQueue;
    // What is on its way to the socket does not count: it is shared, and one event alone may be larger than the limit.
    const room = this.#delivery.maxQueuedBytes - stall.byteLength;
    const outcome = stall.add(frame, bounded ? room : Infinity);
    if (outcome === 'overflow') return this.#queueOver(stall, frame);
    if (outcome !== 'queued') this.#delivery.metrics.volatileDropped();
    return outcome !== 'dropped';
  }

  /** Resolves when the client reads again, or has closed. */
  async drained(): Promise<void> {
    await this.#stall?.released();
  }

  stallTimedOut(): void {
    this.#owner.close('write-timeout');
  }

  /** Writes all that waits, and then `batch`, whether or not the socket takes it: the stream is about to end. */
  writeAll(batch: Batch): void {
    this.#stall?.emptyInto(this.#writer);
    if (!batch.isEmpty) this.#writer.write(batch);
    this.#writer.writeRest();
  }

  close(): void {
    this.#delivery.stalls.delete(this);
    if (this.#stall !== undefined) this.#endStall(this.#stall);
  }

  /**
   * A burst fills a socket within a turn of the event loop, in which most ways out cannot drain: who is slow shows when
   * the turn is over, or when several times the limit has come.
   */
  #queueOver(stall: StalledQueue, frame: SseFrame): boolean {
    while (this.#stall !== undefined && this.#writer.writeAtOnce()) this.#drained();
    if (this.#stall === undefined) {
      this.write(EMPTY_BATCH.append(frame), Math.floor(performance.now()));
      return true;
    }
    const { turns, maxQueuedBytes } = this.#delivery;
    // It took a part, and now there is room.
    if (stall.byteLength + frame.bytes.length <= maxQueuedBytes) return this.queue(frame, true);
    if (stall.sinceTurn !== turns.current || stall.byteLength > BURST_FACTOR * maxQueuedBytes) {
      this.#owner.close('slow-consumer');
      return false;
    }
    if (!stall.isOver) turns.atEnd(() => this.#endBurst(stall));
    stall.isOver = true;
    stall.add(frame, Infinity);
    return true;
  }

  #endBurst(stall: StalledQueue): void {
    const isSlow = this.#stall === stall && stall.byteLength > this.#delivery.maxQueuedBytes;
    if (isSlow) this.#owner.close('slow-consumer');
    stall.isOver = false;
  }

  #awaitDrain(): void {
    this.#delivery.stalls.add(this);
    this.#writer.onceDrained(
      () => this.#drained(),
      () => this.#progressed(),
    );
  }

  /** It reads, if slowly: its time begins anew. */
  #progressed(): void {
    if (this.#stall === undefined) return;
    this.#stall.sinceMs = this.lastWriteMs = Math.floor(performance.now());
    this.#delivery.stalls.delete(this);
    this.#delivery.stalls.add(this);
  }

  #drained(): void {
    const stall = this.#stall;
    if (stall === undefined) return;
    this.#delivery.stalls.delete(this);
    if (!stall.drainInto(this.#writer)) return this.#awaitDrain();
    this.#endStall(stall);
  }

  #endStall(stall: StalledQueue): void {
    this.#stall = undefined;
    stall.release();
    // What waited is shared through it, and would stay until the next flush.
    EMPTY_BATCH.forget();
  }
}
