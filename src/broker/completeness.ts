import type { RoomHistoryLimits } from './broker.interface.js';
import type { Position } from '../protocol/position.js';

/** The facts about one room at the position of a read. */
export interface RoomEvidence {
  /** The oldest stored entry after the requested position; `undefined` if there is none. */
  readonly first: { readonly position: Position; readonly previous: Position } | undefined;
  /** The position of the room's newest event; `undefined` if the room has none or it was forgotten. */
  readonly last: Position | undefined;
  /** The position of the newest event that was published without history, and is not stored. Default: 0, for none. */
  readonly unstored?: Position;
  /** The position of the read. */
  readonly now: Position;
  /** Time for which a room's last position is stored, in microseconds: at least as long as its events. */
  readonly lastPositionTtlUs: number;
}

/** Returns the newest position at which an event of an incomplete room may be missing. */
export function newestLoss({ first, last, unstored = 0, now }: RoomEvidence): Position {
  if (first === undefined) return Math.max(unstored, last ?? now);
  return Math.max(unstored, first.previous === 0 ? first.position : first.previous);
}

/**
 * Returns `true` if a read has found every event of a room after the position `after`. "No event is lost silently" rests
 * on this rule:
 *
 * - Something was found: the first entry names the event before it (`previous`), and `after` is not before that event.
 *   If `previous` is 0, the first entry must be newer than `after` by less than the TTL.
 * - No event after `after` was published without history.
 * - Nothing was found: the room's last event is not after `after`. If the last position is unknown, `after` must be more
 *   recent than the TTL, as any forgotten position is older than that.
 *
 * For example, a room got events at 100 (`previous` 0), 112 (`previous` 100) and 130 (`previous` 112), with a TTL of
 * 1,000, and 100 and 112 were trimmed:
 *
 * - `after` 112 finds 130, whose `previous` 112 is not after 112: complete.
 * - `after` 105 finds 130, whose `previous` 112 is after 105: incomplete, 112 is missing.
 * - `after` 130 finds nothing, and the last position is 130: complete.
 * - If the last position is unknown and the read is at 2,000, then `after` 1,500 is complete: an event after 1,500 would
 *   still be known. `after` 900 is incomplete: an event at 950 could be forgotten.
 */
export function isComplete(
  after: Position,
  { first, last, unstored = 0, now, lastPositionTtlUs }: RoomEvidence,
): boolean {
  if (unstored > after) return false;
  if (first !== undefined) {
    return first.previous === 0 ? first.position - after < lastPositionTtlUs : first.previous <= after;
  }
  return last === undefined ? now - after < lastPositionTtlUs : last <= after;
}

/**
 * Returns the time for which a room's last position is stored, in milliseconds. It is longer than the age of its events,
 * so that a read can distinguish "no newer event" from "expired"; see `isComplete`.
 */
export function lastPositionTtlMs({ maxAgeMs }: RoomHistoryLimits): number {
  return 2 * maxAgeMs;
}
