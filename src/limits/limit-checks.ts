import { MAX_TIMER_MS, orFalse, wholeNumber, type OptionCheck } from '../protocol/input/option-checks.js';
import type { SseLimitOptions } from './limit-options.interface.js';

const COUNT = orFalse(wholeNumber(1, Number.MAX_SAFE_INTEGER));

/** The allowed values of the option `limits`. */
export const LIMIT_CHECKS: Readonly<Record<keyof SseLimitOptions, OptionCheck>> = {
  maxStreams: COUNT,
  maxStreamsPerUser: COUNT,
  maxStreamsPerUserOnAllNodes: COUNT,
  atUserLimit: (value) =>
    value === 'refuse' || value === 'end-oldest' ? undefined : "'refuse' or 'end-oldest'",
  maxStreamsPerAddress: COUNT,
  maxStreamsPerKey: COUNT,
  keyOf: (value) => (typeof value === 'function' ? undefined : 'a function that returns a key'),
  maxRoomsPerClient: COUNT,
  maxEventBytes: COUNT,
  maxAgeMs: orFalse(wholeNumber(1, MAX_TIMER_MS)),
  retryAfterMs: wholeNumber(0, MAX_TIMER_MS),
};
