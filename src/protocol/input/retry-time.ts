import { describeValue } from '../error-text.js';
import { SseError } from '../sse-error.js';
import type { OptionCheck } from './option-checks.js';

/** Reconnection times of several clients: each is given a random one, `minMs` and `maxMs` included, in milliseconds. */
export interface RetryRange {
  /** 0 or more. */
  readonly minMs: number;
  /** At least `minMs`. */
  readonly maxMs: number;
}

/** A reconnection time in milliseconds, or a range from which each client is given its own. */
export type RetryTime = number | RetryRange;

/** Part of a fixed reconnection time by which it is shortened or extended, so that clients do not come back together. */
const SPREAD = 0.5;

/**
 * Validates a reconnection time.
 *
 * @param maxMs the longest accepted time, in milliseconds
 * @throws SseError `invalid-retry`
 */
export function checkRetryTime(retryMs: unknown, maxMs = Number.MAX_SAFE_INTEGER): RetryTime {
  const expected = retryTime(maxMs)(retryMs);
  if (expected !== undefined)
    throw new SseError('invalid-retry', `retryMs is ${expected}, not ${describeValue(retryMs)}.`);
  return retryMs as RetryTime;
}

/** Accepts a reconnection time of at most `maxMs` milliseconds, or a range of them. */
export function retryTime(maxMs = Number.MAX_SAFE_INTEGER): OptionCheck {
  // HTML standard, 9.2.6: "If the field value consists of only ASCII digits"; 1e21 and above print with an exponent.
  const isTime = (value: unknown): boolean =>
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= maxMs;
  return (value) => {
    const isValid = isRange(value)
      ? isTime(value.minMs) && isTime(value.maxMs) && value.minMs <= value.maxMs
      : isTime(value);
    return isValid
      ? undefined
      : `a whole number from 0 to ${maxMs}, or { minMs, maxMs } of such numbers with minMs up to maxMs`;
  };
}

/** The reconnection time of one client: the fixed one, or a random one of the range. */
export function drawRetry(time: RetryTime | false): number | false {
  return typeof time === 'object' ? randomOf(time) : time;
}

/** A reconnection time for one of many clients that are ended or refused together: a fixed one is spread as well. */
export function spreadRetry(time: RetryTime | false): number | false {
  if (typeof time !== 'number') return drawRetry(time);
  const maxMs = Math.min(Number.MAX_SAFE_INTEGER, Math.round(time * (1 + SPREAD)));
  return randomOf({ minMs: Math.round(time * (1 - SPREAD)), maxMs });
}

/** A random whole number of milliseconds of the range. */
export function randomOf({ minMs, maxMs }: RetryRange): number {
  return minMs + Math.floor(Math.random() * (maxMs - minMs + 1));
}

function isRange(value: unknown): value is RetryRange {
  if (typeof value !== 'object' || value === null) return false;
  const names = Object.keys(value);
  return names.length === 2 && names.includes('minMs') && names.includes('maxMs');
}
