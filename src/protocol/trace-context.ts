/** Most characters of the names and values of a trace context together. */
const MAX_LENGTH = 2_048;

/**
 * Checks a trace context that goes with an event, or that came with one.
 *
 * @returns `undefined` for an empty one, one that is too long, and anything else: the event then has no trace
 */
export function boundedTrace(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries: [string, unknown][] = Object.entries(value);
  if (entries.length === 0 || !entries.every(([, text]) => typeof text === 'string')) return undefined;
  const length = entries.reduce((sum, [name, text]) => sum + name.length + (text as string).length, 0);
  return length > MAX_LENGTH ? undefined : (value as Record<string, string>);
}
