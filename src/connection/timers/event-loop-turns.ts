/** Counts turns of the event loop, while somebody asks. */
export class EventLoopTurns {
  #current = 0;
  #atEnd: (() => void)[] = [];
  #scheduled = false;

  /** The turn that is running. */
  get current(): number {
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#end);
    }
    return this.#current;
  }

  /** Calls back when this turn is over, and sockets have had the chance to take what was written. */
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
