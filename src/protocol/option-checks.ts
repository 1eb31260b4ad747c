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
