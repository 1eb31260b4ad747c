import type { Position } from '../../protocol/position.js';
import type { SseFrame } from '../../protocol/sse-frame.js';

/**
 * Holds what a client hears while its missed events are being read, so that they come first.
 *
 * Bounded: frames that carry a position can be read again from history, so over the limit they are let go and
 * `overflowed` asks the reader for another round. Other frames exist only here and are always kept; their sender sees
 * the limit through `heldBytes`.
 */
export class ReplayGate {
  readonly #maxBytes: number;
  #frames: SseFrame[] = [];
  #volatile: Map<string, SseFrame> | undefined;
  heldBytes = 0;
  overflowed = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns `false` where the frame is lost for good: the client is too slow to be kept */
  hold(frame: SseFrame): boolean {
    frame.settle();
    if (frame.volatileKey !== undefined) return this.#holdNewest(frame.volatileKey, frame);
    if (frame.position !== 0 && this.overflowed) return true;
    // One event alone may be larger than the limit, as it may for a client that keeps up.
    if (this.heldBytes > 0 && this.heldBytes + frame.bytes.length > this.#maxBytes) {
      if (frame.position === 0 && this.overflowed) return false;
      this.#releaseRereadable();
      return this.hold(frame);
    }
    this.#frames.push(frame);
    this.heldBytes += frame.bytes.length;
    return true;
  }

  /** The oldest position that is held of a partition; `Infinity` for none. */
  oldestHeld(partition: number): Position {
    const own = this.#frames.filter((frame) => frame.position !== 0 && frame.partition === partition);
    return Math.min(...own.map(({ position }) => position));
  }

  /** Takes what is held, oldest first; what comes afterwards is held anew. */
  take(): SseFrame[] {
    const frames = this.#frames;
    this.#frames = [];
    this.#volatile = undefined;
    this.heldBytes = 0;
    this.overflowed = false;
    return frames;
  }

  /** Of volatile frames only the newest of each key, and none that does not fit: they never cost a client its stream. */
  #holdNewest(key: string, frame: SseFrame): true {
    this.#volatile ??= new Map();
    const older = this.#volatile.get(key);
    if (older === frame) return true;
    if (older !== undefined) {
      this.#frames.splice(this.#frames.indexOf(older), 1);
      this.heldBytes -= older.bytes.length;
      this.#volatile.delete(key);
    }
    if (this.heldBytes + frame.bytes.length > this.#maxBytes) return true;
    this.#volatile.set(key, frame);
    this.#frames.push(frame);
    this.heldBytes += frame.bytes.length;
    return true;
  }

  #releaseRereadable(): void {
    this.overflowed = true;
    this.#frames = this.#frames.filter((frame) => frame.position === 0);
    this.heldBytes = this.#frames.reduce((bytes, frame) => bytes + frame.bytes.length, 0);
  }
}
