/** Counts turns of the event loop. Costs nothing in turns in which `current` is not read. */
export class EventLoopTurns {
  #current = 0;
  #atEnd: (() => void)[] = [];
  #scheduled = false;

  /** Number of the running turn. */
  get current(): number {
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#end);
    }
    return this.#current;
  }

  /** Calls `callback` at the end of this turn, when sockets have had the chance to take writes. Read `current` first. */
  atEnd(callback: () => void): void {
    this.#atEnd.push(callback);
  }

  readonly #end = (): void => {
    this.#scheduled = false;
    this.#current++;
    const callbacks = this.#atEnd;
    this.#atEnd = [];
    for (const callback of callbacks) callback();
  };
}
