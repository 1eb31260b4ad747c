import { SseFrame } from '../protocol/sse-frame.js';
import { GRACEFUL_REASONS, type CloseReason } from './close-reason.js';
import type { ConnectionServices } from './connection-services.js';
import type { ConnectionOwner, EndReason } from './connection-owner.interface.js';
import type { Cursor } from './cursor.js';
import { EMPTY_BATCH } from './queue/batch.js';
import { ReplayGate } from './queue/replay-gate.js';
import { SendQueue } from './queue/send-queue.js';
import { BUSY_BYTES } from './queue/slow-client-policy.js';
import type { ResponseWriter } from './response/response-writer.js';
import type { Flushable } from './timers/flush-scheduler.js';
import { HEARTBEAT, type HeartbeatClient } from './timers/heartbeat.js';

/**
 * One client's stream, from delivery to the response.
 *
 * A frame passes the replay gate, then the cursor, which drops frames sent before, then the queue. While the client
 * keeps up, the queue is one pointer into a chain of batches that all clients share. `SlowClientPolicy` decides what
 * happens to a client that does not.
 */
export class ClientConnection implements Flushable, HeartbeatClient {
  readonly #owner: ConnectionOwner;
  readonly writer: ResponseWriter;
  readonly queue: SendQueue;
  readonly services: ConnectionServices;
  /** Frames for the next flush. */
  #pending = EMPTY_BATCH;
  #gate: ReplayGate | undefined;
  #state: 'waiting' | 'open' | 'closed' = 'waiting';
  #scheduled = false;
  /** `true` if `clientOpened` has counted this stream: writing the headers may fail before. */
  #countedAsOpen = false;
  /** The position up to which frames were queued. */
  readonly cursor: Cursor;
  /** `true` if the ids of this stream are positions: room events carry their ids, and the application sends none. */
  tracksPosition = false;
  /** `true` if joining a room on the open stream makes it track its position: no handler sends ids of its own. */
  tracksPositionOnceJoined = false;
  /** Reason for which the stream ends as soon as it has opened. */
  endsAtOpen: EndReason | undefined = undefined;
  /** Called at the first frame that arrives before the stream is open. */
  onEarlyFrame: (() => void) | undefined = undefined;

  constructor(owner: ConnectionOwner, writer: ResponseWriter, services: ConnectionServices, cursor: Cursor) {
    this.#owner = owner;
    this.writer = writer;
    this.queue = new SendQueue(this);
    this.services = services;
    this.cursor = cursor;
    if (writer.isGone) this.close('client-gone');
    else writer.attachCloseListener(this);
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }
  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** `true` if frames wait for the stream to open. */
  get hasEarlyFrames(): boolean {
    return this.#state === 'waiting' && (!this.#pending.isEmpty || (this.#gate?.heldBytes ?? 0) > 0);
  }

  /** `true` if so many bytes wait that a sender that can wait should call `drained`. */
  get isBusy(): boolean {
    return this.queue.isStalled || this.#pending.byteLength >= BUSY_BYTES;
  }

  get lastWriteMs(): number {
    return this.queue.lastWriteMs;
  }

  /** Sends status and headers with `head`, the first lines of the stream, in one system call. Frames that arrived early follow. */
  open(headers: Readonly<Record<string, unknown>>, head: string): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'open';
    this.onEarlyFrame = undefined;
    this.queue.open(headers, head);
    this.services.metrics.clientOpened(this.services.metrics.labelsOf(this.#owner.request));
    this.#countedAsOpen = true;
    this.services.heartbeat.add(this);
    if (!this.#pending.isEmpty) this.#schedule();
  }

  /**
   * Queues a frame, or holds it while missed events are read.
   *
   * @returns `true` if it was accepted
   */
  deliver(frame: SseFrame, bounded = true): boolean {
    if (this.#gate === undefined)
      return !this.cursor.hasReceivedCopy(frame.copies) && this.push(frame, bounded);
    if (!this.#gate.hold(frame)) return this.#overflow();
    this.onEarlyFrame?.();
    return true;
  }

  /**
   * Queues a frame past the gate.
   *
   * @param bounded `false` if the sender waits for the client itself, as a replay or an iterable does: then the client
   * never counts as too slow
   */
  push(frame: SseFrame, bounded = true): boolean {
    return this.#push(frame, bounded, this.#gate === undefined);
  }

  /** @param isLive as in `Cursor.advance` */
  #push(frame: SseFrame, bounded: boolean, isLive: boolean): boolean {
    let sent: SseFrame | undefined = frame;
    if (frame.position !== 0) {
      sent = this.cursor.advance(frame, isLive);
      // Sent before: through another room of the same event, or from history.
      if (sent === undefined) return false;
      // Decided only now: a client may join its first room while the frame is held.
      if (!this.tracksPosition) sent = frame.anonymous;
    }
    if (this.queue.isStalled) return this.queue.queue(sent, bounded);
    if (this.#state !== 'open') return this.#pushEarly(sent);
    if (!this.#fits(sent)) {
      // Writes now, because the queue of a client that keeps up stays within its limit too.
      this.#writePending(Math.floor(performance.now()));
      if (this.queue.isStalled) return this.queue.queue(sent, bounded);
    }
    this.#pending = this.#pending.append(sent);
    if (!this.#scheduled) this.#schedule();
    return true;
  }

  /** Holds delivered frames until `openGate`. */
  shutGate(): void {
    if (this.#state !== 'closed') this.#gate ??= new ReplayGate(this.services.slowClientPolicy);
  }

  get gate(): ReplayGate | undefined {
    return this.#gate;
  }

  /**
   * Queues the held frames; later frames are queued as they are delivered.
   *
   * Closes the client as too slow if the gate has overflowed: the caller has read dropped frames again before, or
   * there is no position to read from.
   */
  openGate(): void {
    if (this.#gate?.overflowed) return void this.#overflow();
    const held = this.#gate?.take() ?? [];
    this.#gate = undefined;
    // Unbounded, since the gate was bounded: both together hold no more than twice the limit.
    for (const frame of held) {
      if (this.#state !== 'closed' && !this.cursor.hasReceivedCopy(frame.copies))
        this.#push(frame, false, false);
    }
  }

  /** Resolves when the socket takes more, or the client has closed. */
  async drained(): Promise<void> {
    this.#writePending(Math.floor(performance.now()));
    // Yields to other clients even if the socket is fast.
    if (!this.queue.isStalled) await new Promise(setImmediate);
    await this.queue.drained();
  }

  /** Resolves when the connection itself is closed, however the stream ended. */
  ended(): Promise<void> {
    return this.#state === 'open' ? this.writer.closed() : Promise.resolve();
  }

  flush(nowMs: number): void {
    this.#scheduled = false;
    this.#writePending(nowMs);
  }

  sendHeartbeat(): void {
    // Past the gate: a read of missed events may take longer than the idle timeout of a proxy.
    if (!this.queue.isStalled) this.push(HEARTBEAT);
  }

  /** Ends the stream once queued events are sent; a stream that is not open yet opens first. */
  end(reason: EndReason): void {
    if (this.isOpen) return this.close(reason);
    this.endsAtOpen ??= reason;
    this.onEarlyFrame?.();
  }

  /** Ends the stream. For a reason of `GRACEFUL_REASONS` the client receives queued frames first. `cuts` ends it as if it broke. */
  close(reason: CloseReason, cuts = false): void {
    if (this.#state === 'closed') return;
    const { slowClientPolicy, heartbeat, metrics } = this.services;
    if (this.#state === 'open') {
      const isGraceful = GRACEFUL_REASONS.has(reason);
      if (isGraceful || reason === 'removed') this.#writeAll();
      if (isGraceful && !cuts) this.writer.end(slowClientPolicy.endGraceMs(reason), reason === 'shutdown');
      heartbeat.delete(this);
    }
    if (cuts || slowClientPolicy.cutsConnection(reason)) this.writer.destroy();
    this.writer.detachListeners();
    this.#state = 'closed';
    this.queue.close();
    this.#pending = EMPTY_BATCH;
    this.#gate = this.onEarlyFrame = undefined;
    const stream = metrics.labelsOf(this.#owner.request);
    if (this.#countedAsOpen) metrics.clientClosed(reason, stream);
    else metrics.clientRefused?.(reason, stream);
    this.#owner.connectionClosed(reason);
  }

  #pushEarly(frame: SseFrame): boolean {
    if (this.#state === 'closed') return false;
    if (!this.#fits(frame)) return this.#overflow();
    this.#pending = this.#pending.append(frame);
    this.onEarlyFrame?.();
    return true;
  }

  #fits(frame: SseFrame): boolean {
    return this.services.slowClientPolicy.fits(this.#pending.byteLength, frame.bytes.length);
  }

  #overflow(): false {
    this.close(this.services.slowClientPolicy.closeReasonOnOverflow);
    return false;
  }

  #schedule(): void {
    this.#scheduled = true;
    this.services.flushScheduler.schedule(this);
  }

  #writePending(nowMs: number): void {
    if (this.#state !== 'open' || this.queue.isStalled || this.#pending.isEmpty) return;
    const batch = this.#pending;
    this.#pending = EMPTY_BATCH;
    this.queue.write(batch, nowMs);
  }

  #writeAll(): void {
    // Held events are newer than the missed ones still being read: with their ids the client would skip those.
    for (const frame of this.#gate?.take() ?? [])
      if (frame.position === 0 || !this.tracksPosition) this.push(frame, false);
    this.queue.writeAll(this.#pending);
    this.#pending = EMPTY_BATCH;
  }
}
