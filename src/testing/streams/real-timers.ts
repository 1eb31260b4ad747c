import * as timers from 'node:timers';

// Held from the start, so that fake timers that a test installs later stop no deadline of this kit.
const { setTimeout: startTimer, clearTimeout: stopTimer } = timers;

/** Settles after a time of the real clock, or as `promise`. @returns whether the promise was first */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => (timer = startTimer(() => resolve(false), ms)));
  try {
    return await Promise.race([promise.then(() => true as const), timeout]);
  } finally {
    stopTimer(timer);
  }
}

/** A promise, and the function that resolves it. */
export function withResolve(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
