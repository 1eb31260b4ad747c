/** Intervals without a sign of life until a stream counts as stale. Servers are up to an eighth of one late. */
const STALE_AFTER = 1.25;
/** As above, until it counts as dead: two heartbeats are missing. */
const DEAD_AFTER = 2.25;

/**
 * Finds a stream that hears nothing, and an attempt that nobody answers. Does nothing until the server has said how often it
 * sends heartbeats.
 */
export class Watchdog {
  readonly #onStale: () => unknown;
  readonly #onDead: () => void;
  #intervalMs = 0;
  #heardAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onStale: () => unknown, onDead: () => void) {
    this.#onStale = onStale;
    this.#onDead = onDead;
  }

  /** Sets the time between two heartbeats of the server; 0 for a server that sends none. */
  set intervalMs(intervalMs: number) {
    this.#intervalMs = intervalMs;
    this.heard();
  }

  /** True if time passed that no timer has seen: the machine slept, or the page was frozen. */
  get hasMissed(): boolean {
    return this.#intervalMs > 0 && Date.now() - this.#heardAt > DEAD_AFTER * this.#intervalMs;
  }

  /** Waits for a sign of life from now on. */
  heard(): void {
    clearTimeout(this.#timer);
    if (this.#intervalMs === 0) return;
    this.#heardAt = Date.now();
    this.#timer = setTimeout(() => {
      this.#onStale();
      this.#timer = setTimeout(this.#onDead, (DEAD_AFTER - STALE_AFTER) * this.#intervalMs);
    }, STALE_AFTER * this.#intervalMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
