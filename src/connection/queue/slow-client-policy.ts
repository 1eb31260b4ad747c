import type { CloseReason } from '../close-reason.js';

/** Queued bytes above which a sender that can wait should wait. */
export const BUSY_BYTES = 65_536;

/** Multiple of `maxQueuedBytes` that may arrive for a stalled client within one turn of the event loop. */
const BURST_FACTOR = 4;

export interface SlowClientLimits {
  readonly maxQueuedBytes: number;
  readonly writeTimeoutMs: number | false;
  readonly shutdownGraceMs: number;
}

/**
 * Decides when a client is too slow, and names the reason for closing its stream. All clients of a node share one.
 *
 * A client is stalled while its socket is full. Frames for it then wait in its queue, up to `maxQueuedBytes`. A frame
 * that does not fit has these consequences:
 *
 * - A volatile frame is dropped.
 * - In the turn of the event loop in which the socket filled up, up to 4 times the limit may wait, because the socket
 *   cannot drain within the turn. If the queue is still over the limit at its end: `slow-consumer`.
 * - In a later turn: `slow-consumer`.
 *
 * Other cases:
 *
 * - The socket takes everything, but more than the limit arrives within one turn: written at once, not too slow.
 * - Before the stream opens, frames exceed the limit: `slow-consumer`.
 * - Behind the replay gate, frames exceed the limit: those of history are dropped and read again later; if the others
 *   alone do not fit: `slow-consumer`.
 * - The sender waits for the client itself, as a replay or an async iterable does: no limit applies.
 * - The socket takes nothing for `writeTimeoutMs`: `write-timeout`.
 *
 * Both reasons cut the connection: the client would not read the rest. With history it resumes without loss.
 */
export class SlowClientPolicy {
  readonly #limits: SlowClientLimits;

  constructor(limits: SlowClientLimits) {
    this.#limits = limits;
  }

  /** Bytes that may still wait in a queue of `queuedBytes`. Negative after a burst. */
  freeBytes(queuedBytes: number): number {
    return this.#limits.maxQueuedBytes - queuedBytes;
  }

  /** Returns `true` if `addedBytes` more may wait. A single frame may exceed the limit: an empty queue takes any. */
  fits(queuedBytes: number, addedBytes: number): boolean {
    return queuedBytes === 0 || addedBytes <= this.freeBytes(queuedBytes);
  }

  /**
   * Judges a stalled client for which a frame does not fit.
   *
   * @returns `undefined` if the frame may wait until the end of the turn; then `closeReasonAfterBurst` decides
   */
  closeReasonInBurst(queuedBytes: number, stalledInThisTurn: boolean): CloseReason | undefined {
    const mayWait = stalledInThisTurn && queuedBytes <= BURST_FACTOR * this.#limits.maxQueuedBytes;
    return mayWait ? undefined : this.closeReasonOnOverflow;
  }

  /** Judges a client that is still stalled at the end of the turn in which its queue exceeded the limit. */
  closeReasonAfterBurst(queuedBytes: number): CloseReason | undefined {
    return this.freeBytes(queuedBytes) < 0 ? this.closeReasonOnOverflow : undefined;
  }

  /** A frame does not fit, and nothing can be dropped for it. */
  get closeReasonOnOverflow(): CloseReason {
    return 'slow-consumer';
  }

  /** The socket took nothing for `writeTimeoutMs`. */
  get closeReasonOnTimeout(): CloseReason {
    return 'write-timeout';
  }

  /** Returns `true` if a client closed for this reason is cut, because it does not read the end of its stream. */
  cutsConnection(reason: CloseReason): boolean {
    return reason === this.closeReasonOnOverflow || reason === this.closeReasonOnTimeout;
  }

  /** Milliseconds for a client to read the end of its stream before it is cut; `false`: as long as TCP allows. */
  endGraceMs(reason: CloseReason): number | false {
    return reason === 'shutdown' ? this.#limits.shutdownGraceMs : this.#limits.writeTimeoutMs;
  }
}
