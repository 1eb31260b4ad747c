/** Intervals without any bytes after which a stream is stale. Heartbeats are up to an eighth of one late. */
const STALE_AFTER = 1.25;
/** Intervals without any bytes after which a stream is dead: one more, so that two heartbeats are missing. */
const DEAD_AFTER = 2.25;

/**
 * Finds a stream on which nothing arrives, and an attempt without an answer. Does nothing until the server has named the
 * interval of its heartbeats.
 */
export class Watchdog {
  readonly #onStale: () => unknown;
  readonly #onDead: () => void;
  #intervalMs = 0;
  #receivedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onStale: () => unknown, onDead: () => void) {
    this.#onStale = onStale;
    this.#onDead = onDead;
  }

  /** Sets the time between two heartbeats of the server; 0 for a server that sends none. */
  set intervalMs(intervalMs: number) {
    this.#intervalMs = intervalMs;
    this.restart();
  }

  /** Milliseconds since the last bytes, or since the attempt began. */
  get silentMs(): number {
    return Date.now() - this.#receivedAt;
  }

  /** True if time passed without a run of the timer: the machine slept, or the page was frozen. */
  get hasMissed(): boolean {
    return this.#intervalMs > 0 && this.silentMs > DEAD_AFTER * this.#intervalMs;
  }

  /**
   * Counts the silence from now on: bytes were received, or an attempt begins.
   *
   * @param assumedMs interval until the server has named one; 0 to wait without end
   */
  restart(assumedMs = 0): void {
    clearTimeout(this.#timer);
    this.#receivedAt = Date.now();
    const intervalMs = this.#intervalMs || assumedMs;
    if (intervalMs === 0) return;
    this.#timer = setTimeout(() => {
      this.#onStale();
      this.#timer = setTimeout(this.#onDead, intervalMs);
    }, STALE_AFTER * intervalMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
