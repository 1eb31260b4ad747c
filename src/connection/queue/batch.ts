import { allocateChunk, type SseFrame } from '../../protocol/sse-frame.js';

/**
 * A sequence of frames that wait to be written, as the last link of an append-only chain.
 *
 * `append` returns the link that it created last if the frame is the same. So clients that received the same frames since
 * their last flush hold the same link: a client costs one pointer instead of a queue, and the bytes of a link are joined
 * once. 10,000 stalled clients of one room share one copy of their frames.
 *
 * Example: clients A and B receive frame 1, and A also frame 2. B's batch is the link of frame 1, and A's batch is the
 * link of frame 2 behind it.
 */
export class Batch {
  readonly #previous: Batch | undefined;
  readonly #frame: SseFrame | undefined;
  /** Bytes of all frames up to this link, without chunk framing. */
  readonly byteLength: number;
  #next: Batch | undefined;
  #joined: { chunked: Buffer; bytes: Buffer } | undefined;

  constructor(previous: Batch | undefined, frame: SseFrame | undefined, byteLength: number) {
    this.#previous = previous;
    this.#frame = frame;
    this.byteLength = byteLength;
  }

  get isEmpty(): boolean {
    return this.#frame === undefined;
  }

  /** The newest frame of the sequence. */
  get last(): SseFrame | undefined {
    return this.#frame;
  }

  append(frame: SseFrame): Batch {
    const next = this.#next;
    if (next !== undefined && next.#frame === frame) return next;
    this.#next = new Batch(this, frame, this.byteLength + frame.bytes.length);
    return this.#next;
  }

  /** The whole sequence as one HTTP/1.1 chunk. */
  get chunked(): Buffer {
    return this.#join().chunked;
  }

  /** The whole sequence as the client reads it. */
  get bytes(): Buffer {
    return this.#join().bytes;
  }

  /** The links of the sequence, oldest first. */
  links(): Batch[] {
    const newestFirst: Batch[] = [];
    for (let link = this as Batch; link.#previous !== undefined; link = link.#previous)
      newestFirst.push(link);
    return newestFirst.toReversed();
  }

  frames(): SseFrame[] {
    return this.links().map((link) => link.#frame as SseFrame);
  }

  /** Releases the link that `append` created last, which would retain its frames on a server without traffic. */
  forgetNext(): void {
    this.#next = undefined;
  }

  #join(): { chunked: Buffer; bytes: Buffer } {
    if (this.#joined === undefined) {
      // A single frame has its chunk framing already.
      if (this.#frame !== undefined && this.#previous === EMPTY_BATCH) this.#joined = this.#frame;
      else {
        this.#joined = allocateChunk(this.byteLength);
        let offset = 0;
        for (const { bytes } of this.frames()) offset += bytes.copy(this.#joined.bytes, offset);
      }
    }
    return this.#joined;
  }
}

/** The batch without frames, which every client holds after a flush. */
export const EMPTY_BATCH = new Batch(undefined, undefined, 0);
