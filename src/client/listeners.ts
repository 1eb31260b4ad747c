/** Functions by key. One that throws does not keep the others from being called. */
export class Listeners<Arguments extends unknown[]> {
  readonly #byKey = new Map<string, Set<(...parts: Arguments) => void>>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get keys(): Iterable<string> {
    return this.#byKey.keys();
  }

  /** @returns a function that removes it */
  add(key: string, listener: (...parts: Arguments) => void): () => void {
    // A function of its own: the same listener may be added twice, and is then called twice.
    const own = (...parts: Arguments): void => listener(...parts);
    const listeners = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, listeners.add(own));
    return () => listeners.delete(own);
  }

  /** @returns the number of functions called */
  call(key: string, ...parts: Arguments): number {
    const listeners = [...(this.#byKey.get(key) ?? [])];
    for (const listener of listeners) {
      try {
        listener(...parts);
      } catch (error) {
        this.#onError(error);
      }
    }
    return listeners.length;
  }
}
