/** The longest that a test waits for something that must happen; a safety net, never a measurement. */
export const SAFETY_MS = 20_000;

/** The same for megabytes on a busy machine, and for processes. */
export const PATIENCE_MS = 40_000;

/** Settles as the promise does, or rejects after `ms` with an error that names what did not happen. */
export async function within<T>(promise: PromiseLike<T>, what: string, ms = SAFETY_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Polls until the condition holds; throws after `ms`.
 *
 * @param what the awaited state; a function also describes the state that was reached
 */
export async function eventually(
  condition: () => unknown,
  what: string | (() => string | Promise<string>),
  ms = SAFETY_MS,
): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`not within ${ms} ms: ${typeof what === 'string' ? what : await what()}`);
    }
    await pause(2);
  }
}

/** Waits for some turns of the event loop, so that a fault can show; never proves that something has happened. */
export async function someTurns(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
