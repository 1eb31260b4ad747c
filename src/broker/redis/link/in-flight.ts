/** The commands of one connection that are not answered yet. */
export class InFlight {
  readonly #commands = new Set<object>();
  #retire: (() => void) | undefined;

  /** Whether the connection takes no more commands. */
  get isRetiring(): boolean {
    return this.#retire !== undefined;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    const command = {};
    this.#commands.add(command);
    try {
      return await work();
    } finally {
      this.#commands.delete(command);
      this.#retireWhenIdle();
    }
  }

  /** Calls `drop` once all are answered: dropped at once, those behind would have an outcome that nobody knows. */
  retire(drop: () => void): void {
    this.#retire ??= drop;
    this.#retireWhenIdle();
  }

  #retireWhenIdle(): void {
    if (this.#commands.size === 0) this.#retire?.();
  }
}
