import type { SseFrame } from '../../protocol/sse-frame.js';
import type { Batch } from './batch.js';

/**
 * The newest volatile frame of each key that came while a client did not read, and after which link of its queue.
 * Older ones are superseded: of a state that is sent every second, a client that was away wants the newest.
 */
export class VolatileSlots {
  readonly #slots = new Map<string, { frame: SseFrame; after: Batch }>();
  byteLength = 0;

  /** @returns whether an older frame was dropped for it */
  put(key: string, frame: SseFrame, after: Batch): boolean {
    const older = this.#slots.get(key);
    if (older?.frame === frame) return false;
    // Deleted first, so that the order of the Map is the order of arrival.
    if (older !== undefined) {
      this.#slots.delete(key);
      this.byteLength -= older.frame.bytes.length;
    }
    this.#slots.set(key, { frame, after });
    this.byteLength += frame.bytes.length;
    return older !== undefined;
  }

  /** What `put` would add to `byteLength`. */
  growth(key: string, frame: SseFrame): number {
    return frame.bytes.length - (this.#slots.get(key)?.frame.bytes.length ?? 0);
  }

  /** The frames of the queue that ends in `batch`, each volatile one in its place. */
  merge(batch: Batch): SseFrame[] {
    const following = new Map<Batch, SseFrame[]>();
    for (const { frame, after } of this.#slots.values()) {
      const frames = following.get(after);
      if (frames === undefined) following.set(after, [frame]);
      else frames.push(frame);
    }
    const merged: SseFrame[] = [];
    const links = batch.links();
    for (const [after, frames] of following) if (after.isEmpty) merged.push(...frames);
    for (const link of links) merged.push(link.last as SseFrame, ...(following.get(link) ?? []));
    return merged;
  }
}

/** Frames on their way to a client that reads again, written piece by piece as it takes them. */
export class Backlog {
  readonly #frames: SseFrame[];
  #next = 0;
  byteLength = 0;

  constructor(frames: SseFrame[]) {
    this.#frames = frames;
    for (const frame of frames) this.byteLength += frame.bytes.length;
  }

  get isEmpty(): boolean {
    return this.#next === this.#frames.length;
  }

  /** Takes the next frames, at least one and otherwise no more than `maxBytes`. */
  take(maxBytes: number): SseFrame[] {
    const start = this.#next;
    let bytes = 0;
    while (this.#next < this.#frames.length) {
      const length = (this.#frames[this.#next] as SseFrame).bytes.length;
      if (bytes > 0 && bytes + length > maxBytes) break;
      bytes += length;
      this.#next++;
    }
    this.byteLength -= bytes;
    return this.#frames.slice(start, this.#next);
  }
}
