import type { SseFrame } from '../../protocol/sse-frame.js';
import { EMPTY_BATCH } from './batch.js';
import { Backlog, VolatileSlots } from './backlog.js';
import type { ResponseWriter } from '../response/response-writer.js';

/** What a client that was stalled gets at once before its socket must drain again: small, so that progress shows. */
const PIECE_BYTES = 16_384;

/** What became of a frame for a client that does not read. */
export type StalledOutcome = 'queued' | 'replaced-older' | 'dropped' | 'overflow';

/**
 * What waits for a client whose socket is full: by reference in the shared chain, so that many stalled clients of one
 * room hold one copy, and of volatile events only the newest of each key.
 */
export class StalledQueue {
  /** When the socket filled up, in milliseconds on the clock of `performance.now()`. */
  sinceMs: number;
  /** The turn of the event loop in which it filled up. */
  readonly sinceTurn: number;
  /** Whether it took more than its limit within that turn. */
  isOver = false;
  #batch = EMPTY_BATCH;
  #volatile: VolatileSlots | undefined;
  #backlog: Backlog | undefined;
  #waiters: (() => void)[] = [];

  constructor(sinceMs: number, sinceTurn: number) {
    this.sinceMs = sinceMs;
    this.sinceTurn = sinceTurn;
  }

  get byteLength(): number {
    return this.#batch.byteLength + (this.#volatile?.byteLength ?? 0) + (this.#backlog?.byteLength ?? 0);
  }

  /** @param room how many more bytes may wait */
  add(frame: SseFrame, room: number): StalledOutcome {
    const { volatileKey } = frame;
    frame.settle();
    if (volatileKey !== undefined) {
      this.#volatile ??= new VolatileSlots();
      if (this.#volatile.growth(volatileKey, frame) > room) return 'dropped';
      return this.#volatile.put(volatileKey, frame, this.#batch) ? 'replaced-older' : 'queued';
    }
    if (frame.bytes.length > room) return 'overflow';
    this.#batch = this.#batch.append(frame);
    return 'queued';
  }

  /** Writes what waits, piece by piece. @returns `false` where the socket filled up again */
  drainInto(writer: ResponseWriter): boolean {
    for (let frames = this.take(PIECE_BYTES); frames.length > 0; frames = this.take(PIECE_BYTES)) {
      if (!writer.writeFrames(frames)) return false;
    }
    return true;
  }

  /** Writes all that waits, whether or not the socket takes it: the stream is about to end. */
  emptyInto(writer: ResponseWriter): void {
    for (let frames = this.take(Infinity); frames.length > 0; frames = this.take(Infinity))
      writer.writeFrames(frames);
  }

  /** Takes the next frames in order, at least one and otherwise no more than `maxBytes`; none when nothing waits. */
  take(maxBytes: number): SseFrame[] {
    if (this.#backlog === undefined || this.#backlog.isEmpty) {
      const batch = this.#batch;
      this.#backlog = new Backlog(this.#volatile?.merge(batch) ?? batch.frames());
      this.#batch = EMPTY_BATCH;
      this.#volatile = undefined;
    }
    return this.#backlog.take(maxBytes);
  }

  /** Resolves at `release`. */
  released(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The client reads again, or has gone. */
  release(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters = [];
  }
}
