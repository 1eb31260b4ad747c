import { allocateChunk, type SseFrame } from '../../protocol/sse-frame.js';

/**
 * A sequence of frames that waits to be written: the last link of an append-only chain.
 *
 * Clients that heard the same frames since their last flush stand on the same link, because `append` remembers the
 * link it made last. So a client holds one pointer instead of a queue, and the bytes of a link are joined once for all
 * of them. 10,000 stalled clients of one room share one copy of what they have not read.
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

  /** The whole sequence as it is read by the client. */
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

  /** Lets go of the link made last, so that a quiet server does not hold on to its last burst. */
  forgetNext(): void {
    this.#next = undefined;
  }

  #join(): { chunked: Buffer; bytes: Buffer } {
    if (this.#joined === undefined) {
      // One frame carries its chunk framing already.
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

/** Nothing waits: where every client stands after a flush. */
export const EMPTY_BATCH = new Batch(undefined, undefined, 0);
