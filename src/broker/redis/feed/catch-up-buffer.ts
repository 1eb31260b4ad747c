import type { ChannelMessage, SyncMarker } from '../data/channel-message.js';

export type ReceivedItem = ChannelMessage | SyncMarker;

export function isSyncMarker(item: ReceivedItem): item is SyncMarker {
  return 'number' in item;
}

/**
 * Holds received items while missed events are read from history. Bounded in bytes: over the limit all held events
 * are dropped, since history contains them too, and `overflowed` requests another read. Sync markers are few and
 * never dropped.
 */
export class CatchUpBuffer {
  readonly #maxBytes: number;
  #held: ReceivedItem[] = [];
  #bytes = 0;
  #overflowed = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get overflowed(): boolean {
    return this.#overflowed;
  }

  hold(item: ReceivedItem, bytes: number): void {
    if (!isSyncMarker(item)) {
      if (this.#overflowed) return;
      this.#bytes += bytes;
      if (this.#bytes > this.#maxBytes) {
        this.#overflowed = true;
        this.#held = this.#held.filter(isSyncMarker);
        return;
      }
    }
    this.#held.push(item);
  }

  /** Holds events again after an overflow. Called before the read that covers the dropped events. */
  reopen(): void {
    this.#overflowed = false;
    if (this.#held.every(isSyncMarker)) this.#bytes = 0;
  }

  /** Removes and returns the held items in the order of their arrival. */
  take(): ReceivedItem[] {
    const held = this.#held;
    this.clear();
    return held;
  }

  clear(): void {
    this.#held = [];
    this.#bytes = 0;
    this.#overflowed = false;
  }
}
