import { MAX_TIMER_MS, wholeNumber } from './option-checks.js';

/** A wait for replicas of the broker's server. */
export interface Acknowledge {
  /** Number of replicas that must have the event: 1 or more. */
  readonly replicas: number;
  /** Longest time for which they are waited for, in milliseconds. */
  readonly timeoutMs: number;
}

/** Reports that an event is published, and that fewer replicas than asked for have confirmed it. */
export interface MissingAcknowledgement {
  /** Number of replicas that were asked for. */
  readonly replicas: number;
  readonly confirmedBy: number;
  /** The failure that ended the wait. Default: none, the timeout ended it. */
  readonly cause?: Error | undefined;
}

const isCount = wholeNumber(1, 1_000);
const isTime = wholeNumber(1, MAX_TIMER_MS);

/** Checks the option `acknowledge`. @returns a description of the allowed values, or `undefined` for a valid value */
export function checkAcknowledge(value: unknown): string | undefined {
  if (value === false) return undefined;
  const { replicas, timeoutMs, ...others } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const isValid =
    isCount(replicas) === undefined && isTime(timeoutMs) === undefined && Object.keys(others).length === 0;
  return isValid ? undefined : 'false or { replicas, timeoutMs }, whole numbers from 1 (replicas up to 1000)';
}
