import type { ChannelMessage, SyncMarker } from '../data/channel-message.js';

export type ReceivedItem = ChannelMessage | SyncMarker;

export function isSyncMarker(heard: ReceivedItem): heard is SyncMarker {
  return 'number' in heard;
}

/**
 * What is heard while missed events are being read. Bounded: beyond the limit all events are let go, since history has
 * them too, and `overflowed` asks for another reading. The node's own marks are few and always kept.
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

  hold(heard: ReceivedItem, bytes: number): void {
    if (!isSyncMarker(heard)) {
      if (this.#overflowed) return;
      this.#bytes += bytes;
      if (this.#bytes > this.#maxBytes) {
        this.#overflowed = true;
        this.#held = this.#held.filter(isSyncMarker);
        return;
      }
    }
    this.#held.push(heard);
  }

  /** From here on events are held again: those that were let go are about to be read. */
  reopen(): void {
    this.#overflowed = false;
    this.#bytes = this.#held.length === 0 ? 0 : this.#bytes;
    if (this.#held.every(isSyncMarker)) this.#bytes = 0;
  }

  /** Takes what is held, in the order in which it was heard. */
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
