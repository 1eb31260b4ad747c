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

/** Returns the stack of an `Error` (its message where it has no stack), and any other thrown value as text. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
