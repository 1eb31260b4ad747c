import { wholeNumber } from './option-checks.js';

/**
 * The events of a room's history that a client receives before live ones: the newest n; `'all'`; or of each event name the
 * newest n, for a room whose events are the newest values of several things. 0 for none.
 */
export type Replay = number | 'all' | { readonly perEventName: number };

const isCount = wholeNumber(0, Number.MAX_SAFE_INTEGER);

/** Validates an option `replay`, as an `OptionCheck`. */
export function checkReplay(value: unknown): string | undefined {
  const isObject = typeof value === 'object' && value !== null;
  const names = isObject ? Object.keys(value).join() : '';
  const count = names === 'perEventName' ? (value as { perEventName: unknown }).perEventName : value;
  return value === 'all' || isCount(count) === undefined
    ? undefined
    : "a whole number from 0, 'all' or { perEventName: 1 }";
}

/** Returns whether a replay may have events. */
export function hasReplay(replay: Replay | undefined): replay is Replay {
  return replay !== undefined && replay !== 0 && !(typeof replay === 'object' && replay.perEventName === 0);
}
