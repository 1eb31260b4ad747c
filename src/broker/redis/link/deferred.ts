/** A promise that is settled from outside. */
export class Deferred<T = void> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: Error) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever cares awaits it; a rejection that nobody awaits is no failure of the process.
    this.promise.catch(() => {});
  }
}

/**
 * The promise's own outcome, or `tooLate`'s error after `ms` milliseconds.
 *
 * A process that was busy for seconds finds its timers due before it has read its sockets; so what lies in the
 * sockets by then still counts.
 */
export function withDeadline<T>(promise: PromiseLike<T>, ms: number, tooLate: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => reject(tooLate())), ms);
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
