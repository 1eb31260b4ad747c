/** A client that may be stalled: its socket is full. */
export interface Stallable {
  /** Time of the last progress of the socket in milliseconds, on the clock of `performance.now()`. */
  readonly stalledSinceMs: number;
  writeTimedOut(): void;
}

/**
 * Finds clients that have read nothing for `writeTimeoutMs`: one timer for all, and none without stalled clients. `false`
 * switches it off.
 */
export class WriteTimeoutTimer {
  readonly #writeTimeoutMs: number | false;
  // In the order of stalling, the oldest first.
  readonly #stalled = new Set<Stallable>();
  #timer: NodeJS.Timeout | undefined;

  constructor(writeTimeoutMs: number | false) {
    this.#writeTimeoutMs = writeTimeoutMs;
  }

  add(client: Stallable): void {
    if (this.#writeTimeoutMs === false) return;
    this.#stalled.add(client);
    this.#arm();
  }

  delete(client: Stallable): void {
    this.#stalled.delete(client);
    if (this.#stalled.size === 0) this.close();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    const [oldest] = this.#stalled;
    if (this.#timer !== undefined || oldest === undefined || this.#writeTimeoutMs === false) return;
    const dueMs = oldest.stalledSinceMs + this.#writeTimeoutMs - performance.now();
    this.#timer = setTimeout(() => this.#check(), Math.max(1, dueMs));
    this.#timer.unref();
  }

  #check(): void {
    this.#timer = undefined;
    const limitMs = performance.now() - (this.#writeTimeoutMs as number);
    for (const client of this.#stalled) {
      if (client.stalledSinceMs > limitMs) break;
      this.#stalled.delete(client);
      client.writeTimedOut();
    }
    this.#arm();
  }
}
