/**
 * Describes a value for an error message.
 *
 * @returns a string as JSON, cut after 80 characters; a number, boolean, `null` or `undefined` as text; of any other
 * value only its type, so that no payload gets into a log
 */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) {
    return String(value);
  }
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

/** Returns the message of an `Error`, and any other thrown value as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Causes of an error that a log shows; more would be a circle. */
const MAX_CAUSES = 5;

/** Returns the stack of an `Error` and its causes (the message where it has no stack), and any other thrown value as text. */
export function stackOf(error: unknown, causes = MAX_CAUSES): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  if (error.cause === undefined || causes === 0) return stack;
  return `${stack}\nCaused by ${stackOf(error.cause, causes - 1)}`;
}
