/**
 * Settles like the work, or rejects with the error of `createError` after `ms` milliseconds. What the work does is not
 * stopped, and a later rejection of it is ignored. The timer does not keep the process alive.
 */
export async function withinDeadline<T>(
  work: T | PromiseLike<T>,
  ms: number,
  createError: () => Error,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(createError()), ms).unref();
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Settles when the work has settled, at the latest after `ms` milliseconds. Never rejects. */
export async function settledWithin(work: PromiseLike<unknown>, ms: number): Promise<void> {
  await withinDeadline(work, ms, () => new Error()).catch(() => {});
}

/** Settles like the work, or rejects with the reason of the signal once that aborts. A later rejection of the work is ignored. */
export function untilAborted<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    const settled = (): void => signal.removeEventListener('abort', abort);
    work.then(resolve, reject).then(settled, settled);
  });
}
