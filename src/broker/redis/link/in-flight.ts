/** Counts the unanswered commands of one connection and closes the connection without interrupting them. */
export class InFlight {
  readonly #commands = new Set<object>();
  /** Time of the last reply on the clock of `performance.now()`; 0 before the first one. */
  lastReplyMs = 0;
  #retire: (() => void) | undefined;

  /** `true` after `retire`: the connection accepts no new commands. */
  get isRetiring(): boolean {
    return this.#retire !== undefined;
  }

  /** Runs a command and counts it until it settles. */
  async track<T>(sendCommand: () => Promise<T>): Promise<T> {
    const command = {};
    this.#commands.add(command);
    try {
      const reply = await sendCommand();
      this.lastReplyMs = performance.now();
      return reply;
    } finally {
      this.#commands.delete(command);
      this.#retireWhenIdle();
    }
  }

  /** Calls `drop` once all commands have settled. Dropped earlier, the outcome of those commands would be unknown. */
  retire(drop: () => void): void {
    this.#retire ??= drop;
    this.#retireWhenIdle();
  }

  #retireWhenIdle(): void {
    if (this.#commands.size === 0) this.#retire?.();
  }
}
