import type { Position } from '../../protocol/position.js';
import type { EarlierCopy } from '../../protocol/position.js';

/** Ranges stored for each owner; older gaps concern events that every partition has delivered long ago. */
const MAX_RANGES = 16;
/** Positions stored for each range. */
const MAX_DELIVERED = 10_000;

/** Positions of one partition between which events of some rooms may be lost. */
interface LostRange {
  readonly partition: number;
  /** `undefined` for every room of the partition. */
  readonly rooms: ReadonlySet<string> | undefined;
  /** Exclusive. */
  readonly from: Position;
  /** Inclusive; `Infinity` while the broker is still catching up. */
  to: Position;
  /** Positions inside the range that were delivered all the same. */
  readonly delivered: Set<Position>;
}

/**
 * Remembers the gaps of a node or a client, to decide if a copy of an event was lost.
 *
 * An event in rooms of several partitions has a copy in each, and a client receives only the first copy that reaches
 * it. A copy in a range that was lost did not reach anybody, so the next copy must be delivered.
 *
 * Example: an event goes to room A at position 10 of partition 0, and to room B at position 12 of partition 1. History
 * of A is trimmed up to position 30. The copy at position 12 names `{ partition: 0, position: 10, rooms: ['A'] }`:
 * inside the lost range of A, so the copy in B is the one that a client of both rooms receives.
 */
export class LostCopies {
  readonly #ranges: LostRange[] = [];

  /** Records that events of these rooms may be missing after `from`, up to `to`; `undefined` for all rooms. */
  add(
    partition: number,
    rooms: Iterable<string> | undefined,
    from: Position,
    to: Position = Infinity,
    delivered: Iterable<Position> = [],
  ): void {
    this.#ranges.push({ partition, rooms: rooms && new Set(rooms), from, to, delivered: new Set(delivered) });
    if (this.#ranges.length > MAX_RANGES) this.#ranges.shift();
  }

  /** Records a delivered event: its copy in this partition is not lost. */
  delivered(partition: number, position: Position): void {
    for (const range of this.#ranges) {
      if (range.partition !== partition || position <= range.from || position > range.to) continue;
      range.delivered.add(position);
      if (range.delivered.size >= MAX_DELIVERED) range.to = position;
    }
  }

  /** Ends the open ranges of a partition that has caught up. */
  close(partition: number, position: Position): void {
    for (const range of this.#ranges) {
      if (range.partition === partition) range.to = Math.min(range.to, Math.max(position, range.from));
    }
  }

  /** Returns whether a client of `room` may have missed this copy. */
  has({ partition, position }: EarlierCopy, room: string): boolean {
    return this.#ranges.some(
      (range) =>
        range.partition === partition &&
        range.rooms?.has(room) !== false &&
        position > range.from &&
        position <= range.to &&
        !range.delivered.has(position),
    );
  }
}
