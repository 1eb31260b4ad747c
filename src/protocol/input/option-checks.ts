import { didYouMean } from '../did-you-mean.js';
import { describeValue } from '../error-text.js';
import { SseError } from '../sse-error.js';

/** A check of one option: returns a description of the allowed values, or `undefined` for a valid value. */
export type OptionCheck = (value: unknown) => string | undefined;

/** The longest delay of a Node timer, in milliseconds (2^31 - 1); a longer one would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** The longest wait for the answers to a command, in milliseconds. */
export const MAX_ANSWER_TIMEOUT_MS = 60_000;

/** Accepts integers from `min` to `max`, both included. */
export function wholeNumber(min: number, max: number): OptionCheck {
  return (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `a whole number from ${min} to ${max}`;
}

/** Accepts `false` as well. */
export function orFalse(check: OptionCheck): OptionCheck {
  return (value) => {
    const expected = value === false ? undefined : check(value);
    return expected && `${expected}, or false to switch it off`;
  };
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
        `${method} has no option "${name}".${didYouMean(name, Object.keys(checks))}`,
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
