/** Keeps the rejection of a promise that a callback returned by mistake from ending the process. */
export function ignoreRejection(result: unknown): void {
  if (isThenable(result)) result.then(undefined, () => {});
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Passes a value on: at once, or once its promise is fulfilled. */
export function after<V, T>(value: V | PromiseLike<V>, next: (value: V) => T | Promise<T>): T | Promise<T> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}

/** Calls a function, and passes on its failure, thrown or as the rejection of its promise. @returns what the function returns */
export function orElse<T>(call: () => T | PromiseLike<T>, failed: (error: unknown) => never): T | Promise<T> {
  let value: T | PromiseLike<T>;
  try {
    value = call();
  } catch (error) {
    return failed(error);
  }
  return isThenable(value) ? Promise.resolve(value).catch(failed) : value;
}
