import { SseError } from 'nestjs-simple-sse';

/** What the call refuses with, whether it throws or rejects; fails when the call is accepted. */
export async function refusal(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('the call was accepted, a refusal was expected');
}

/** The same where the refusal must be the module's own. */
export async function sseRefusal(call: () => unknown): Promise<SseError> {
  const error = await refusal(call);
  if (error instanceof SseError) return error;
  throw new Error(`an SseError was expected, not ${String(error)}`, { cause: error });
}

/** A value that the compiler would refuse, as a caller in plain JavaScript passes it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters, typescript/no-unsafe-type-assertion
export const unchecked = <T>(value: unknown): T => value as T;
