import { withStackOf, type PublicMethod } from '../protocol/sse-error.js';

/** A call of the public API. */
export interface PublicCall {
  readonly method: PublicMethod;
  /** Returns the call for a log line, such as `broadcast("paid") to "orders/1"`. */
  readonly describe: () => string;
}

/** Takes a failure that no caller receives. @param call the call that failed; `undefined` for work in the background */
export type ReportFailure = (error: unknown, call?: string) => void;

/**
 * A promise that reports its rejection where no caller handles it, instead of ending the process as an unhandled rejection.
 * A caller that awaits it receives the rejection, and nothing is reported.
 */
export class ReportedPromise<T> extends Promise<T> {
  #handled = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Runs the work at once. An error that it throws rejects the promise. */
  static of<T>(call: PublicCall, work: () => Promise<T>, report: ReportFailure): ReportedPromise<T> {
    const promise = new ReportedPromise<T>((resolve) =>
      resolve(withStackOf(call.method, () => runNow(work))),
    );
    void Promise.prototype.then.call(promise, undefined, (error: unknown) => {
      if (!promise.#handled) report(error, call.describe());
    });
    return promise;
  }

  // `await` and all combinators call `then`.
  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#handled = true;
    return super.then(onFulfilled, onRejected);
  }
}

async function runNow<T>(work: () => Promise<T>): Promise<T> {
  return work();
}
