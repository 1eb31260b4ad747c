import {
  MAX_TIMER_MS,
  orFalse,
  trueOrFalse,
  wholeNumber,
  type OptionCheck,
} from '../protocol/input/option-checks.js';
import { retryTime } from '../protocol/input/retry-time.js';
import type {
  SseRunOptions,
  SseRunRouteOptions,
  SseRunsOptions,
  SseRunTailOptions,
} from './run-options.interface.js';

/** A follower of a silent run reads every 2,500 ms: it must find the end of a run, and keep a run watched. */
const MIN_KEEP_MS = 5_000;
const MIN_UNWATCHED_MS = 10_000;
const MAX_LEASE_MS = 3_600_000;

const BOUNDS = {
  keepMs: wholeNumber(MIN_KEEP_MS, MAX_TIMER_MS),
  maxDurationMs: orFalse(wholeNumber(1, MAX_TIMER_MS)),
  stopWhenUnwatchedMs: orFalse(wholeNumber(MIN_UNWATCHED_MS, MAX_TIMER_MS)),
  maxEvents: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  maxBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER),
};

/** The allowed values of the option `runs` of the module. */
export const RUNS_CHECKS: Readonly<Record<keyof SseRunsOptions, OptionCheck>> = {
  ...BOUNDS,
  leaseMs: wholeNumber(3_000, MAX_LEASE_MS),
  drainMs: wholeNumber(0, MAX_TIMER_MS),
  maxRuns: wholeNumber(1, Number.MAX_SAFE_INTEGER),
};

/** The allowed options of `sse.runs.start`. */
export const RUN_CHECKS: Readonly<Record<keyof SseRunOptions, OptionCheck>> = {
  ...BOUNDS,
  restart: trueOrFalse,
};

const SHARED_TAIL_CHECKS = {
  compact: (value: unknown) =>
    value === 'concat' || typeof value === 'function'
      ? undefined
      : '"concat" or a function that merges two events',
  control: trueOrFalse,
  retryMs: orFalse(retryTime()),
};

/** The allowed options of `@SseRunTail`. */
export const TAIL_CHECKS: Readonly<Record<keyof SseRunTailOptions, OptionCheck>> = {
  ...SHARED_TAIL_CHECKS,
  whenMissing: oneOf('no-content', 'not-found', 'wait'),
  whenEnded: oneOf('replay', 'no-content'),
};

/** The allowed options of `@SseRun`. */
export const ROUTE_CHECKS: Readonly<Record<keyof SseRunRouteOptions, OptionCheck>> = {
  ...RUN_CHECKS,
  ...SHARED_TAIL_CHECKS,
  whenRunning: oneOf('follow', 'conflict'),
};

function oneOf(...values: readonly string[]): OptionCheck {
  return (value) =>
    values.includes(value as string) ? undefined : values.map((each) => JSON.stringify(each)).join(' or ');
}
