/** Keeps the rejection of a promise that a callback returned by mistake from ending the process. */
export function ignoreRejection(result: unknown): void {
  if (isThenable(result)) result.then(undefined, () => {});
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
