import { SseFrame } from '../../protocol/sse-frame.js';
import type { CloseReason } from '../close-reason.js';
import type { ConnectionServices } from '../connection-services.js';
import type { ResponseWriter } from '../response/response-writer.js';
import type { TcpConnection } from '../timers/unacknowledged-bytes.js';
import type { Stallable } from '../timers/write-timeout-timer.js';
import { EMPTY_BATCH, type Batch } from './batch.js';
import { StalledQueue } from './stalled-queue.js';

/** The connection that owns a queue. It holds what the queue needs, so that the queue of each client has one reference. */
interface QueueOwner {
  readonly writer: ResponseWriter;
  readonly services: ConnectionServices;
  close(reason: CloseReason): void;
}

/**
 * Writes one client's frames. While the socket takes them, nothing waits here. While the socket is full, the client is
 * stalled: frames wait by reference, within the limits of `SlowClientPolicy`, and are written piece by piece when the
 * socket drains.
 */
export class SendQueue implements Stallable {
  readonly #owner: QueueOwner;
  #stalled: StalledQueue | undefined;
  /** In whole milliseconds: V8 stores an integer without an object of its own. */
  lastWriteMs = 0;

  constructor(owner: QueueOwner) {
    this.#owner = owner;
  }

  /** `true` while the socket is full. */
  get isStalled(): boolean {
    return this.#stalled !== undefined;
  }

  /** Bytes that wait while the socket is full. */
  get queuedBytes(): number {
    return this.#stalled?.byteLength ?? 0;
  }

  get stalledSinceMs(): number {
    return this.#stalled?.sinceMs ?? Infinity;
  }

  get connection(): TcpConnection | undefined {
    return this.#owner.writer.connection;
  }

  /** Sends status and headers with the first lines of the stream. */
  open(headers: Readonly<Record<string, unknown>>, head: string): void {
    this.lastWriteMs = Math.floor(performance.now());
    const first = head === '' ? undefined : new SseFrame(head);
    if (!this.#owner.writer.open(headers, this.#owner.services.http2Sessions, first))
      this.#stall(this.lastWriteMs);
  }

  /** Writes a batch. Must not be called while the client is stalled. */
  write(batch: Batch, nowMs: number): void {
    this.lastWriteMs = nowMs;
    if (!this.#owner.writer.write(batch)) this.#stall(nowMs);
  }

  /**
   * Queues a frame of a stalled client.
   *
   * @param bounded `false` if the sender waits for the client itself: then no limit applies
   * @returns `true` if the frame waits or was written; `false` if it was dropped or the client was closed as too slow
   */
  queue(frame: SseFrame, bounded: boolean): boolean {
    const stalled = this.#stalled as StalledQueue;
    // Bytes already handed to the socket do not count: all clients share them.
    const freeBytes = bounded
      ? this.#owner.services.slowClientPolicy.freeBytes(stalled.byteLength)
      : Infinity;
    const result = stalled.add(frame, freeBytes);
    if (result === 'overflow') return this.#queueOverLimit(stalled, frame);
    if (result !== 'queued') this.#owner.services.metrics.volatileDropped();
    return result !== 'dropped';
  }

  /** Resolves when the client reads again, or has closed. */
  async drained(): Promise<void> {
    await this.#stalled?.released();
  }

  progressed(nowMs: number): void {
    if (this.#stalled !== undefined) this.#stalled.sinceMs = Math.floor(nowMs);
  }

  writeTimedOut(): void {
    this.#owner.close(this.#owner.services.slowClientPolicy.closeReasonOnTimeout);
  }

  /** Writes all waiting frames and then `batch`, even if the socket is full: the stream is about to end. */
  writeAll(batch: Batch): void {
    this.#stalled?.emptyInto(this.#owner.writer);
    if (!batch.isEmpty) this.#owner.writer.write(batch);
    this.#owner.writer.writeRest();
  }

  close(): void {
    this.#owner.services.writeTimeouts.delete(this);
    if (this.#stalled !== undefined) this.#endStall(this.#stalled);
  }

  /** Queues a frame that does not fit, if the policy allows it; else closes the client. */
  #queueOverLimit(stalled: StalledQueue, frame: SseFrame): boolean {
    // The socket may have drained in this turn without an event for it.
    while (this.#stalled !== undefined && this.#owner.writer.writeAtOnce()) this.#onDrained();
    if (this.#stalled === undefined) {
      this.write(EMPTY_BATCH.append(frame), Math.floor(performance.now()));
      return true;
    }
    const { turns, slowClientPolicy } = this.#owner.services;
    const { byteLength } = stalled;
    // The socket took a part.
    if (frame.bytes.length <= slowClientPolicy.freeBytes(byteLength)) return this.queue(frame, true);
    const reason = slowClientPolicy.closeReasonInBurst(byteLength, stalled.sinceTurn === turns.current);
    if (reason !== undefined) {
      this.#owner.close(reason);
      return false;
    }
    if (!stalled.exceedsInBurst) turns.atEnd(() => this.#endBurst(stalled));
    stalled.exceedsInBurst = true;
    stalled.add(frame, Infinity);
    return true;
  }

  #endBurst(stalled: StalledQueue): void {
    stalled.exceedsInBurst = false;
    if (this.#stalled !== stalled) return;
    const reason = this.#owner.services.slowClientPolicy.closeReasonAfterBurst(stalled.byteLength);
    if (reason !== undefined) this.#owner.close(reason);
  }

  #stall(nowMs: number): void {
    this.#stalled = new StalledQueue(nowMs, this.#owner.services.turns.current);
    this.#awaitDrain();
  }

  #awaitDrain(): void {
    this.#owner.services.writeTimeouts.add(this);
    this.#owner.writer.onceDrained(
      () => this.#onDrained(),
      () => this.#onProgress(),
    );
  }

  /** The socket has taken a part: the write timeout starts again. */
  #onProgress(): void {
    if (this.#stalled === undefined) return;
    this.lastWriteMs = Math.floor(performance.now());
    this.progressed(this.lastWriteMs);
    this.#owner.services.writeTimeouts.delete(this);
    this.#owner.services.writeTimeouts.add(this);
  }

  #onDrained(): void {
    const stalled = this.#stalled;
    if (stalled === undefined) return;
    this.#owner.services.writeTimeouts.delete(this);
    if (!stalled.drainInto(this.#owner.writer)) return this.#awaitDrain();
    this.#endStall(stalled);
  }

  #endStall(stalled: StalledQueue): void {
    this.#stalled = undefined;
    stalled.release();
    // The chain of batches would retain the frames until the next flush.
    EMPTY_BATCH.forgetNext();
  }
}
