import { SseFrame } from '../protocol/sse-frame.js';
import { EMPTY_BATCH } from './batch.js';
import { GRACEFUL_REASONS, type CloseReason } from './close-reason.js';
import type { Cursor } from './cursor.js';
import type { ConnectionServices } from './connection-services.js';
import { HEARTBEAT, type Beating } from './heartbeat.js';
import type { Flushable } from './flush-scheduler.js';
import { SendQueue } from './send-queue.js';
import { ReplayGate } from './replay-gate.js';
import type { ResponseWriter } from './response-writer.js';
import type { SseClient } from './sse-client.js';

/** From how much on a sender that can wait does. */
const BUSY_BYTES = 65_536;

/** Reasons for which the application ends a stream. */
type EndReason = 'closed' | 'disconnected';

/**
 * One client's queue: everything between "this frame is for you" and the response.
 *
 * While the client keeps up it holds one pointer into the shared chain of batches. While its socket is full, frames
 * wait by reference, bounded by `maxQueuedBytes`; when it drains they are written piece by piece.
 */
export class ClientConnection implements Flushable, Beating {
  readonly #client: SseClient;
  readonly #writer: ResponseWriter;
  readonly #outlet: SendQueue;
  readonly #delivery: ConnectionServices;
  #pending = EMPTY_BATCH;
  #gate: ReplayGate | undefined;
  #state: 'waiting' | 'open' | 'closed' = 'waiting';
  #scheduled = false;
  /** Whether what was held is on its way into the queue. */
  #releasing = false;
  /** What went into the queue: the client has been sent, or will be, all up to here. */
  readonly cursor: Cursor;
  /** Whether the ids of this stream are positions: then room events carry their ids, and the application sends none. */
  tracksPosition = false;
  /** Whether joining a room while the stream is open makes it track its position: no handler sends ids of its own. */
  tracksPositionOnceJoined = false;
  /** The reason for which the stream ends as soon as it has opened. */
  endsAtOpen: EndReason | undefined = undefined;
  /** Called at the first frame that is sent before the stream is open. */
  onEarlyFrame: (() => void) | undefined = undefined;

  constructor(client: SseClient, writer: ResponseWriter, delivery: ConnectionServices, cursor: Cursor) {
    this.#client = client;
    this.#writer = writer;
    this.#outlet = new SendQueue(this, writer, delivery);
    this.#delivery = delivery;
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

  /** Whether frames wait for the stream to open. */
  get hasEarlyFrames(): boolean {
    return this.#state === 'waiting' && (!this.#pending.isEmpty || (this.#gate?.heldBytes ?? 0) > 0);
  }

  /** Whether so much waits that a sender who can wait should. */
  get isBusy(): boolean {
    return this.#outlet.isStalled || this.#pending.byteLength >= BUSY_BYTES;
  }

  get lastWriteMs(): number {
    return this.#outlet.lastWriteMs;
  }

  /** Sends status and headers; `head` and whatever was sent early follow. */
  open(headers: Readonly<Record<string, unknown>>, head: string): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'open';
    this.onEarlyFrame = undefined;
    this.#writer.open(headers);
    this.#delivery.sessions.add(this.#writer.session);
    this.#outlet.lastWriteMs = Math.floor(performance.now());
    this.#delivery.metrics.clientOpened();
    this.#delivery.heartbeat.add(this);
    if (head !== '') {
      const frame = new SseFrame(head);
      if (this.#pending.isEmpty) this.#pending = EMPTY_BATCH.append(frame);
      else this.#writer.writeFrames([frame]);
    }
    if (!this.#pending.isEmpty) this.#schedule();
  }

  /**
   * Queues a frame, or holds it while missed events are on their way.
   *
   * @param bounded as in `push`
   * @returns whether it was accepted
   */
  deliver(frame: SseFrame, bounded = true): boolean {
    if (this.#gate === undefined) return this.push(frame, bounded);
    if (!this.#gate.hold(frame)) return this.#overflow();
    this.onEarlyFrame?.();
    return true;
  }

  /**
   * Queues a frame past the gate.
   *
   * @param bounded `false` where the sender itself waits for the client, as a replay or an iterable does: then the
   * client never counts as too slow
   */
  push(frame: SseFrame, bounded = true): boolean {
    let own: SseFrame | undefined = frame;
    if (frame.position !== 0) {
      own = this.cursor.advance(frame, this.#gate === undefined && !this.#releasing);
      // Already sent: through another room of the same event, or from history.
      if (own === undefined) return false;
      // Not before it is sent: a client may join its first room while the frame is held.
      if (!this.tracksPosition) own = frame.anonymous;
    }
    if (this.#outlet.isStalled) return this.#outlet.queue(own, bounded);
    if (this.#state !== 'open') return this.#pushEarly(own);
    if (this.#exceeds(own)) {
      // A burst within one turn is written now: the queue of a client that does keep up stays within its bound too.
      this.#writePending(Math.floor(performance.now()));
      if (this.#outlet.isStalled) return this.#outlet.queue(own, bounded);
    }
    this.#pending = this.#pending.append(own);
    if (!this.#scheduled) this.#schedule();
    return true;
  }

  /** From here on frames are held until `openGate`. */
  shutGate(): void {
    if (this.#state !== 'closed') this.#gate ??= new ReplayGate(this.#delivery.maxQueuedBytes);
  }

  get gate(): ReplayGate | undefined {
    return this.#gate;
  }

  /** Lets what was held follow. What had to be let go was read again before, or there is no position to read from. */
  openGate(): void {
    if (this.#gate?.overflowed) return void this.#overflow();
    const held = this.#gate?.take() ?? [];
    this.#gate = undefined;
    this.#releasing = true;
    // What the gate could hold the queue may: together they hold no more than twice the limit.
    for (const frame of held) if (this.#state !== 'closed') this.push(frame, false);
    this.#releasing = false;
  }

  /** Resolves when the socket takes more, or the client has closed. */
  async drained(): Promise<void> {
    this.#writePending(Math.floor(performance.now()));
    // Others get their turn too, however fast the socket is.
    if (!this.#outlet.isStalled) await new Promise(setImmediate);
    await this.#outlet.drained();
  }

  /** Resolves when the connection itself is closed, however the stream ended. */
  ended(): Promise<void> {
    return this.#state === 'open' ? this.#writer.closed() : Promise.resolve();
  }

  flush(nowMs: number): void {
    this.#scheduled = false;
    this.#writePending(nowMs);
  }

  beat(): void {
    // Past the gate: reading what was missed may take longer than a proxy's patience.
    if (!this.#outlet.isStalled) this.push(HEARTBEAT);
  }

  /** Ends the stream after what is queued; a stream that is not open yet as soon as it has opened. */
  end(reason: EndReason): void {
    if (this.isOpen) return this.close(reason);
    this.endsAtOpen ??= reason;
    this.onEarlyFrame?.();
  }

  /** Ends the client's stream. Reasons in which the client still reads let it have what is queued. */
  close(reason: CloseReason): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'open') {
      if (GRACEFUL_REASONS.has(reason) || reason === 'removed') this.#writeAll();
      if (GRACEFUL_REASONS.has(reason))
        this.#writer.end(this.#delivery.endGraceMs(reason), reason === 'shutdown');
      this.#delivery.heartbeat.delete(this);
    }
    if (reason === 'slow-consumer' || reason === 'write-timeout') this.#writer.destroy();
    this.#writer.detachListeners();
    this.#state = 'closed';
    this.#outlet.close();
    this.#pending = EMPTY_BATCH;
    this.#gate = this.onEarlyFrame = undefined;
    this.#delivery.metrics.clientClosed(reason);
    this.#delivery.onClosed(this.#client, reason);
  }

  #pushEarly(frame: SseFrame): boolean {
    if (this.#state === 'closed') return false;
    if (this.#exceeds(frame)) return this.#overflow();
    this.#pending = this.#pending.append(frame);
    this.onEarlyFrame?.();
    return true;
  }

  /** Whether a frame would take the queue over its limit; one alone may be larger. */
  #exceeds(frame: SseFrame): boolean {
    const { byteLength } = this.#pending;
    return byteLength > 0 && byteLength + frame.bytes.length > this.#delivery.maxQueuedBytes;
  }

  #overflow(): false {
    this.close('slow-consumer');
    return false;
  }

  #schedule(): void {
    this.#scheduled = true;
    this.#delivery.flushes.schedule(this);
  }

  #writePending(nowMs: number): void {
    if (this.#state !== 'open' || this.#outlet.isStalled || this.#pending.isEmpty) return;
    const batch = this.#pending;
    this.#pending = EMPTY_BATCH;
    this.#outlet.write(batch, nowMs);
  }

  #writeAll(): void {
    // Held events are newer than those that are still being read: with them the client would pass over the others.
    for (const frame of this.#gate?.take() ?? [])
      if (frame.position === 0 || !this.tracksPosition) this.push(frame, false);
    this.#outlet.writeAll(this.#pending);
    this.#pending = EMPTY_BATCH;
  }
}
