/** Time of one slice, in milliseconds. */
const SLICE_MS = 4;
/** Values between two looks at the clock. Visiting one takes about 1 us, or 50 us where it compacts a block of `StoredSlots`. */
const VALUES_PER_LOOK = 16;

/** Visits many values in slices, between which the event loop runs. */
export class SlicedSweep<T> {
  #values: Iterator<T> | undefined;
  #next: NodeJS.Immediate | undefined;

  /** Begins to visit the values, unless a sweep is going on. Few values are visited before it returns. */
  start(values: Iterable<T>, visit: (value: T) => void, done: () => void): void {
    if (this.#values !== undefined) return;
    this.#values = values[Symbol.iterator]();
    this.#run(visit, done);
  }

  stop(): void {
    clearImmediate(this.#next);
    this.#values = undefined;
  }

  #run(visit: (value: T) => void, done: () => void): void {
    const endMs = performance.now() + SLICE_MS;
    for (let count = 1; this.#values !== undefined; count++) {
      const { value, done: isDone } = this.#values.next();
      if (isDone === true) {
        this.#values = undefined;
        return done();
      }
      visit(value);
      if (count % VALUES_PER_LOOK === 0 && performance.now() > endMs) {
        this.#next = setImmediate(() => this.#run(visit, done));
        return;
      }
    }
  }
}
