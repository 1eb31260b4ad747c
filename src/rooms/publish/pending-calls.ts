/** Calls to the broker that `app.close()` waits for, such as publishes that nobody awaits. */
export class PendingCalls {
  readonly #calls = new Set<Promise<unknown>>();

  /** Records a call until it settles. @returns the call */
  track<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    const forget = (): void => void this.#calls.delete(call);
    call.then(forget, forget);
    return call;
  }

  /** Settles when the calls that are pending now have settled. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#calls);
  }
}
