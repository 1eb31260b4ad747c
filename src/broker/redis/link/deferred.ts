/** A promise with public `resolve` and `reject`. An unobserved rejection is ignored. */
export class Deferred<T = void> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: Error) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Prevents an unhandled rejection from ending the process.
    this.promise.catch(() => {});
  }
}

/**
 * Settles like the promise, or rejects with the error of `createError` after `ms` milliseconds without progress.
 *
 * @param lastProgressMs returns the time of the last progress on the clock of `performance.now()`
 */
export function withProgressDeadline<T>(
  promise: PromiseLike<T>,
  ms: number,
  lastProgressMs: () => number,
  createError: () => Error,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const startMs = performance.now();
    let timer: NodeJS.Timeout;
    const wait = (waitMs: number): void => {
      // One more turn of the event loop, as in `withDeadline`.
      timer = setTimeout(() => setImmediate(check), waitMs);
    };
    let isSettled = false;
    const check = (): void => {
      if (isSettled) return;
      const leftMs = Math.max(startMs, lastProgressMs()) + ms - performance.now();
      if (leftMs > 1) wait(leftMs);
      else reject(createError());
    };
    const settle = (): void => {
      isSettled = true;
      clearTimeout(timer);
    };
    wait(ms);
    promise.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: Error) => {
        settle();
        reject(error);
      },
    );
  });
}

/**
 * Settles like the promise, or rejects with the error of `createError` after `ms` milliseconds.
 *
 * The deadline allows one more turn of the event loop: after a long synchronous task, timers run before the sockets
 * are read, and a reply that has already arrived must still count.
 */
export function withDeadline<T>(promise: PromiseLike<T>, ms: number, createError: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => reject(createError())), ms);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: Error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
