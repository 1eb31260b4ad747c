import { SseError } from 'nestjs-simple-sse';

/** Returns the error that the call throws or rejects with; throws when the call succeeds. */
export async function refusal(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('the call was accepted, a refusal was expected');
}

/** Does the same, and throws unless the error is an SseError. */
export async function sseRefusal(call: () => unknown): Promise<SseError> {
  const error = await refusal(call);
  if (error instanceof SseError) return error;
  throw new Error(`an SseError was expected, not ${String(error)}`, { cause: error });
}

/** Passes a value that the compiler would refuse, as a caller in plain JavaScript can. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters, typescript/no-unsafe-type-assertion
export const unchecked = <T>(value: unknown): T => value as T;
