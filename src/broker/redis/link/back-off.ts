const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/** How long to wait before another attempt: doubled each time, up to 2 s, and never the same for all nodes. */
export class BackOff {
  #failures = 0;

  next(): number {
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures++;
    return longest * (0.5 + Math.random() / 2);
  }

  /** Waits that long. */
  pass(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.next()).unref());
  }

  reset(): void {
    this.#failures = 0;
  }
}
