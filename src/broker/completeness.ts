import type { Position } from '../protocol/position.js';

/** What is known of one room at the moment of a read. */
export interface RoomEvidence {
  /** The oldest entry found after the position, if any. */
  readonly first: { readonly position: Position; readonly previous: Position } | undefined;
  /** The room's last position, or `undefined` where it is not known (any more). */
  readonly last: Position | undefined;
  /** The moment of the read. */
  readonly now: Position;
  /** How long a room's last position is remembered, in microseconds: at least as long as its events. */
  readonly lastPositionTtlUs: number;
}

/**
 * Whether what was found after `after` is all there was. The whole argument for "nothing is lost in silence":
 *
 * - Something found: the first names the event before it, and the client has that one; or nothing came before it
 *   within living memory.
 * - Nothing found: the room's last event is not newer than the client; or the room's last event is forgotten, and
 *   whatever is forgotten is older than the client.
 */
export function isComplete(after: Position, { first, last, now, lastPositionTtlUs }: RoomEvidence): boolean {
  if (first !== undefined) {
    return first.previous === 0 ? first.position - after < lastPositionTtlUs : first.previous <= after;
  }
  return last === undefined ? now - after < lastPositionTtlUs : last <= after;
}
