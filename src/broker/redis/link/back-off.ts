const FIRST_MS = 50;
const MAX_MS = 2_000;

/**
 * Exponential back-off between attempts: from 50 ms, doubled up to 2 s, with jitter so that nodes do not retry
 * together.
 */
export class BackOff {
  #failures = 0;

  /** Returns the next delay in milliseconds. */
  next(): number {
    const maxDelayMs = Math.min(MAX_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures++;
    return maxDelayMs * (0.5 + Math.random() / 2);
  }

  /** Waits for the next delay. */
  wait(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.next()).unref());
  }

  reset(): void {
    this.#failures = 0;
  }
}
