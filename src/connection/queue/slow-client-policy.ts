import type { CloseReason } from '../close-reason.js';

/** How many times `maxQueuedBytes` may arrive for a stalled client within one turn of the event loop. */
const BURST_FACTOR = 4;

export interface SlowClientLimits {
  readonly maxQueuedBytes: number;
  readonly writeTimeoutMs: number | false;
  readonly shutdownGraceMs: number;
}

/**
 * Decides when a client is too slow, and names the reason for closing its stream. All clients of a node share one.
 *
 * | Situation | Consequence |
 * | --- | --- |
 * | The socket takes everything, but more than the limit arrives in one turn | Written at once; the client is not slow |
 * | The socket is full, and a frame fits the queue | The frame waits |
 * | A volatile frame does not fit | It is dropped; the client stays |
 * | Another frame does not fit, in the turn in which the socket filled up | Up to 4 times the limit may wait until the end of that turn, because the socket cannot drain within it. If the queue is still over the limit then: `slow-consumer` |
 * | Another frame does not fit, in a later turn | `slow-consumer` |
 * | Frames do not fit before the stream opens | `slow-consumer` |
 * | Frames do not fit the replay gate | Those of history are dropped and read again. If the others alone do not fit: `slow-consumer` |
 * | The sender waits for the client itself (a replay, an async iterable) | No limit applies |
 * | The socket takes nothing for `writeTimeoutMs` | `write-timeout` |
 *
 * Both reasons cut the connection: the client would not read the rest. With history it resumes without loss.
 */
export class SlowClientPolicy {
  readonly #limits: SlowClientLimits;

  constructor(limits: SlowClientLimits) {
    this.#limits = limits;
  }

  /** How many more bytes may wait in a queue of `queuedBytes`. Negative after a burst. */
  freeBytes(queuedBytes: number): number {
    return this.#limits.maxQueuedBytes - queuedBytes;
  }

  /** Tells if `addedBytes` more may wait. A single frame may exceed the limit: an empty queue takes any. */
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

  /** Tells if a client closed for this reason is cut, because it does not read the end of its stream. */
  cutsConnection(reason: CloseReason): boolean {
    return reason === this.closeReasonOnOverflow || reason === this.closeReasonOnTimeout;
  }

  /** How many milliseconds a client may take to read the end of its stream before it is cut; `false`: as TCP allows. */
  endGraceMs(reason: CloseReason): number | false {
    return reason === 'shutdown' ? this.#limits.shutdownGraceMs : this.#limits.writeTimeoutMs;
  }
}
