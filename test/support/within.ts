/** No test waits longer than this for something that must happen; it is a safety net, never a measurement. */
export const SAFETY_MS = 10_000;

/** The promise's own outcome, or an error that says what did not happen. */
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

/** Asks again and again until the condition holds. */
export async function eventually(condition: () => unknown, what: string, ms = SAFETY_MS): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(2);
  }
}

/** Some turns of the event loop, so that a fault has its chance to show; never a condition by itself. */
export async function someTurns(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
