import { describeValue } from '../error-text.js';
import { SseError } from '../sse-error.js';

/** A check of one option: returns a description of the allowed values, or `undefined` for a valid value. */
export type OptionCheck = (value: unknown) => string | undefined;

/** The longest delay of a Node timer, in milliseconds (2^31 - 1); a longer one would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** Accepts integers from `min` to `max`, both included. */
export function wholeNumber(min: number, max: number): OptionCheck {
  return (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `a whole number from ${min} to ${max}`;
}

/** Accepts booleans only. */
export function trueOrFalse(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'true or false';
}

/** Accepts every value: another check follows. */
export function checkedElsewhere(): undefined {
  return undefined;
}

/**
 * Validates the options of a call. `undefined` counts as absent.
 *
 * @param method the called method, for the message
 * @param checks the known options
 * @throws SseError `invalid-arguments`, whose message names the option with its allowed values, or the known options
 */
export function checkCallOptions(
  method: string,
  options: unknown,
  checks: Readonly<Record<string, OptionCheck>>,
): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new SseError(
      'invalid-arguments',
      `The options of ${method} are an object, not ${describeValue(options)}.`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      throw new SseError(
        'invalid-arguments',
        `${method} has no option "${name}".${suggestionFor(name, Object.keys(checks))}`,
      );
    }
    const expected = value === undefined ? undefined : check(value);
    if (expected !== undefined) {
      throw new SseError(
        'invalid-arguments',
        `The option "${name}" of ${method} is ${expected}, not ${describeValue(value)}.`,
      );
    }
  }
}

/** A name counts as misspelt up to this many edits, and up to half of the known name's length. */
const MAX_EDITS = 2;

/** Returns ` Did you mean "volatile"?` for a misspelling of a known name, else a list of the known names. */
export function suggestionFor(name: string, known: readonly string[]): string {
  const [closest] = known
    .map((each) => ({ each, edits: editsBetween(name.toLowerCase(), each.toLowerCase()) }))
    .filter(({ each, edits }) => edits <= MAX_EDITS && 2 * edits <= each.length)
    .toSorted((a, b) => a.edits - b.edits);
  return closest === undefined ? ` Known are: ${known.join(', ')}.` : ` Did you mean "${closest.each}"?`;
}

/** The least number of inserted, deleted or replaced characters (Levenshtein distance). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] as number) + (b[j] === a[i] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
