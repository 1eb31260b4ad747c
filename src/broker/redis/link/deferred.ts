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
