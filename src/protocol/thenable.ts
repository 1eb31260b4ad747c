/** Keeps the rejection of a promise that a callback returned by mistake from ending the process. */
export function ignoreRejection(result: unknown): void {
  if (isThenable(result)) result.then(undefined, () => {});
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Calls a function and passes its result on: at once, or once the promise settles that it returns. */
export function afterCall<T>(
  call: () => unknown,
  then: (value: unknown) => T,
  failed: (error: unknown) => never,
): T | Promise<T> {
  let value: unknown;
  try {
    value = call();
  } catch (error) {
    return failed(error);
  }
  return isThenable(value) ? Promise.resolve(value).then(then, failed) : then(value);
}
