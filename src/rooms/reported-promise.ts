/**
 * A promise whose failure is reported where nobody takes it, instead of ending the process as an unhandled rejection.
 * A caller that awaits it gets the failure, and nothing is reported.
 */
export class ReportedPromise<T> extends Promise<T> {
  #taken = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Runs the work at once; what it throws rejects the promise. */
  static of<T>(work: () => Promise<T>, report: (error: unknown) => void): ReportedPromise<T> {
    const promise = new ReportedPromise<T>((resolve) => resolve(runNow(work)));
    void Promise.prototype.then.call(promise, undefined, (error: unknown) => {
      if (!promise.#taken) report(error);
    });
    return promise;
  }

  // `await` and every combinator come through here.
  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#taken = true;
    return super.then(onFulfilled, onRejected);
  }
}

async function runNow<T>(work: () => Promise<T>): Promise<T> {
  return work();
}
