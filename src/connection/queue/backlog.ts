import type { SseFrame } from '../../protocol/sse-frame.js';

/** Frames that are being written to a client that reads again, a piece at a time. */
export class Backlog {
  readonly #frames: readonly SseFrame[];
  #next = 0;
  /** Bytes of the frames not yet taken. */
  byteLength = 0;

  constructor(frames: readonly SseFrame[]) {
    this.#frames = frames;
    for (const frame of frames) this.byteLength += frame.bytes.length;
  }

  get isEmpty(): boolean {
    return this.#next === this.#frames.length;
  }

  /** Takes the next frames: at least one, and otherwise no more than `maxBytes`. None if the backlog is empty. */
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
