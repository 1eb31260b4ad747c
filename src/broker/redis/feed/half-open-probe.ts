import type { SyncMarkers } from './sync-markers.js';

/**
 * Finds a connection that is open but hears nothing: a router that forgot it, a server that is gone without a word.
 * After a time of silence the node says something to itself; where that is not heard either, the connection is deaf.
 */
export class HalfOpenProbe {
  readonly #marks: SyncMarkers;
  readonly #intervalMs: number;
  readonly #answerMs: number;
  readonly #onDeaf: () => void;
  #heardMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param answerMs how long the mark may take from Redis' answer to the subscriber */
  constructor(marks: SyncMarkers, intervalMs: number, answerMs: number, onDeaf: () => void) {
    this.#marks = marks;
    this.#intervalMs = intervalMs;
    this.#answerMs = answerMs;
    this.#onDeaf = onDeaf;
  }

  /** Something was heard. */
  received(): void {
    this.#heardMs = performance.now();
  }

  /** A new connection: it has not been silent yet. */
  start(): void {
    this.received();
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Asks now, however short the silence. */
  async ask(): Promise<void> {
    const askedMs = performance.now();
    try {
      await this.#marks.probe();
    } catch {
      // Redis cannot be asked, which is the other connection's matter.
      return;
    }
    if (this.#timer === undefined || this.#heardMs >= askedMs) return;
    setTimeout(() => {
      // The sockets are read first: a process that was busy for seconds is not deaf.
      setImmediate(() => {
        if (this.#timer !== undefined && this.#heardMs < askedMs) this.#onDeaf();
      });
    }, this.#answerMs).unref();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    // Never all nodes at once.
    const waitMs = this.#intervalMs * (0.75 + Math.random() / 2);
    this.#timer = setTimeout(() => {
      const isSilent = performance.now() - this.#heardMs >= this.#intervalMs / 2;
      if (isSilent) void this.ask();
      this.#schedule();
    }, waitMs).unref();
  }
}
