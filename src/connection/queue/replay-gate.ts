import type { Position } from '../../protocol/position.js';
import type { SseFrame } from '../../protocol/sse-frame.js';
import { FrameQueue } from './frame-queue.js';
import type { SlowClientPolicy } from './slow-client-policy.js';

/**
 * Holds live frames of a client while its missed events are read from history, so that the missed ones come first.
 *
 * Example: a client resumes after position 5, and history reads 6 and 7. Event 8 is delivered meanwhile and held. Sent
 * at once, it would move the client's cursor to 8, and the client would skip 6 and 7.
 *
 * Bounded by `maxQueuedBytes`: a frame with a position can be read again, so over the limit these frames are dropped
 * and `overflowed` requests another read. Frames without a position exist only here and are never dropped.
 */
export class ReplayGate {
  readonly #policy: SlowClientPolicy;
  #held = new FrameQueue();
  /** Frames with a position were dropped, and must be read again from history. */
  overflowed = false;

  constructor(policy: SlowClientPolicy) {
    this.#policy = policy;
  }

  /** Bytes of all held frames, without HTTP chunk framing. */
  get heldBytes(): number {
    return this.#held.byteLength;
  }

  /** @returns `false` if a frame without a position does not fit: it would be lost, so the client is too slow */
  hold(frame: SseFrame): boolean {
    const { position, volatileKey } = frame;
    const isReplayable = position !== 0 && volatileKey === undefined;
    // A later position would move the cursor past the dropped ones.
    if (isReplayable && this.overflowed) return true;
    const { heldBytes } = this;
    const fits = volatileKey === undefined && this.#policy.fits(heldBytes, frame.bytes.length);
    const added = this.#held.add(frame, fits ? Infinity : this.#policy.freeBytes(heldBytes));
    if (added !== 'overflow') return true;
    if (this.overflowed) return false;
    this.#dropReplayable();
    return this.hold(frame);
  }

  /** The lowest position among the held frames of a partition; `Infinity` if there is none. */
  oldestHeld(partition: number): Position {
    const ofPartition = this.#held
      .frames()
      .filter((frame) => frame.position !== 0 && frame.partition === partition);
    return Math.min(...ofPartition.map(({ position }) => position));
  }

  /** Takes all held frames, oldest first, and resets `overflowed`. Later frames are held again. */
  take(): SseFrame[] {
    const frames = this.#held.frames();
    this.#held = new FrameQueue();
    this.overflowed = false;
    return frames;
  }

  #dropReplayable(): void {
    this.overflowed = true;
    const frames = this.#held.frames();
    this.#held = new FrameQueue();
    for (const frame of frames) if (frame.position === 0) this.#held.add(frame, Infinity);
  }
}
