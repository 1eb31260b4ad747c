import type { SseFrame } from '../../protocol/sse-frame.js';
import type { ResponseWriter } from '../response/response-writer.js';
import { Backlog } from './backlog.js';
import { FrameQueue, type QueueResult } from './frame-queue.js';

/** Bytes written at once to a client that reads again, before its socket must drain: small, so that progress shows. */
const PIECE_BYTES = 16_384;

/** Frames that wait for a client whose socket is full. */
export class StalledQueue {
  /** Time of the last progress of the socket, in milliseconds on the clock of `performance.now()`. */
  sinceMs: number;
  /** The turn of the event loop in which the socket filled up. */
  readonly sinceTurn: number;
  /** `true` from exceeding the limit until the end of the turn in which the socket filled up. */
  exceedsInBurst = false;
  #arrived = new FrameQueue();
  /** Frames taken from `#arrived` to be written. They are older than those that still arrive. */
  #backlog: Backlog | undefined;
  #waiters: (() => void)[] = [];

  constructor(sinceMs: number, sinceTurn: number) {
    this.sinceMs = sinceMs;
    this.sinceTurn = sinceTurn;
  }

  /** Bytes of all frames that wait, without HTTP chunk framing. */
  get byteLength(): number {
    return this.#arrived.byteLength + (this.#backlog?.byteLength ?? 0);
  }

  /** @param freeBytes how many more bytes may wait; `Infinity` for no limit */
  add(frame: SseFrame, freeBytes: number): QueueResult {
    return this.#arrived.add(frame, freeBytes);
  }

  /** Writes the frames piece by piece. @returns `false` if the socket filled up again */
  drainInto(writer: ResponseWriter): boolean {
    for (let frames = this.take(PIECE_BYTES); frames.length > 0; frames = this.take(PIECE_BYTES)) {
      if (!writer.writeFrames(frames)) return false;
    }
    return true;
  }

  /** Writes all frames even if the socket is full: the stream is about to end. */
  emptyInto(writer: ResponseWriter): void {
    for (let frames = this.take(Infinity); frames.length > 0; frames = this.take(Infinity))
      writer.writeFrames(frames);
  }

  /** Takes the next frames in order: at least one, and otherwise no more than `maxBytes`. None if the queue is empty. */
  take(maxBytes: number): SseFrame[] {
    if (this.#backlog === undefined || this.#backlog.isEmpty) {
      this.#backlog = new Backlog(this.#arrived.frames());
      this.#arrived = new FrameQueue();
    }
    return this.#backlog.take(maxBytes);
  }

  /** Resolves at the next `release`. */
  released(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Continues all callers of `released`: the client reads again, or its stream has ended. */
  release(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters = [];
  }
}
