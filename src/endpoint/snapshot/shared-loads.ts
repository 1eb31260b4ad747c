/**
 * Loads that several clients share. A load serves the clients that asked before it began. So each of them has joined its
 * rooms before, and no event is missing between the state and the events that follow it. In a storm at most one load of
 * a key runs, and one waits for it.
 */
export class SharedLoads<T> {
  readonly #running = new Map<string, Promise<T>>();
  readonly #waiting = new Map<string, Promise<T>>();

  /** @returns the result of a load that begins after the call: a new one, or the one that waits for the running one */
  get(key: string, load: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running === undefined) return this.#start(key, load);
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const next = running
      .catch(() => {})
      .then(() => {
        this.#waiting.delete(key);
        return this.#start(key, load);
      });
    this.#waiting.set(key, next);
    return next;
  }

  #start(key: string, load: () => Promise<T>): Promise<T> {
    const started = load();
    this.#running.set(key, started);
    const end = (): void => {
      if (this.#running.get(key) === started) this.#running.delete(key);
    };
    started.then(end, end);
    return started;
  }
}
