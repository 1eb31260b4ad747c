import type { SseFrame } from '../../protocol/sse-frame.js';
import { EMPTY_BATCH, type Batch } from './batch.js';

/**
 * Result of adding a frame to a queue:
 *
 * - `queued`: the frame waits.
 * - `replaced-older`: the frame waits, and an older volatile frame of its key was dropped.
 * - `dropped`: a volatile frame that did not fit; nothing changed.
 * - `overflow`: any other frame that did not fit; nothing changed.
 */
export type QueueResult = 'queued' | 'replaced-older' | 'dropped' | 'overflow';

/** A volatile frame, and the link of the batch that it follows. */
interface VolatileFrame {
  readonly frame: SseFrame;
  readonly after: Batch;
}

/**
 * Frames of one client in the order of arrival; of volatile frames only the newest of each key.
 *
 * Frames wait by reference in the chain of batches that all clients share: many clients that wait for the same frames
 * hold one copy. Volatile frames wait beside the chain, because a newer one replaces them.
 */
export class FrameQueue {
  #batch = EMPTY_BATCH;
  /** By key, in the order of arrival. Created with the first volatile frame: most queues never have one. */
  #volatile: Map<string, VolatileFrame> | undefined;
  #volatileBytes = 0;

  /** Bytes of all frames that wait, without HTTP chunk framing. */
  get byteLength(): number {
    return this.#batch.byteLength + this.#volatileBytes;
  }

  /** @param freeBytes how many more bytes may wait; `Infinity` for no limit */
  add(frame: SseFrame, freeBytes: number): QueueResult {
    frame.settle();
    if (frame.volatileKey !== undefined) return this.#replace(frame.volatileKey, frame, freeBytes);
    if (frame.bytes.length > freeBytes) return 'overflow';
    this.#batch = this.#batch.append(frame);
    return 'queued';
  }

  /** All frames that wait, oldest first. The queue still holds them. */
  frames(): SseFrame[] {
    return this.#volatile === undefined ? this.#batch.frames() : this.#merge(this.#volatile);
  }

  #replace(key: string, frame: SseFrame, freeBytes: number): QueueResult {
    this.#volatile ??= new Map();
    const older = this.#volatile.get(key)?.frame;
    // The same frame came through two rooms.
    if (older === frame) return 'queued';
    const addedBytes = frame.bytes.length - (older?.bytes.length ?? 0);
    if (addedBytes > freeBytes) return 'dropped';
    // A Map keeps the place of a key that is set again: without the deletion the frame would come too early.
    this.#volatile.delete(key);
    this.#volatile.set(key, { frame, after: this.#batch });
    this.#volatileBytes += addedBytes;
    return older === undefined ? 'queued' : 'replaced-older';
  }

  /** Puts each volatile frame behind the link that it followed. */
  #merge(volatile: ReadonlyMap<string, VolatileFrame>): SseFrame[] {
    const following = new Map<Batch, SseFrame[]>();
    for (const { frame, after } of volatile.values()) {
      const frames = following.get(after);
      if (frames === undefined) following.set(after, [frame]);
      else frames.push(frame);
    }
    const merged = [...(following.get(EMPTY_BATCH) ?? [])];
    for (const link of this.#batch.links()) {
      merged.push(link.last as SseFrame, ...(following.get(link) ?? []));
    }
    return merged;
  }
}
