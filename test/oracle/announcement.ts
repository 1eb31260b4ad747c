import type { RoomLine } from './room-line.js';

/** The client's rooms in one partition, with the position at which the event was published there. */
export interface PublishedCopy {
  readonly position: number;
  readonly lines: readonly RoomLine[];
}

/**
 * Decides if gaps have announced the loss of an event, which has a copy in each of several partitions.
 *
 * A client is owed one copy at a time: the first one, and the next once the copy before is lost. A gap of a room is in
 * time before anything newer of that room: until then the client cannot take the room for complete.
 *
 * Partitions have no common order, so a client may receive newer events in the room of a later copy while it is still
 * owed the earlier one. The event is not lost at that time, and no server could announce it there. So a gap of that room
 * is also in time where the same `sse:gap` names the rooms of an earlier copy in time. Any other gap behind newer events
 * belongs to another outage, and the client would have taken the room for complete in between. A gap that was received
 * before the event was published announces nothing.
 *
 * @param copies in the order of their partitions
 */
export function isAnnounced(copies: readonly PublishedCopy[]): boolean {
  const owed = copies.filter(({ lines }) => lines.length > 0);
  return owed.every(({ position, lines }, order) =>
    lines.every((line) =>
      line
        .gapsOf(position)
        .some(
          ({ index }) =>
            index < line.firstNewerThan(position) ||
            owed.slice(0, order).some((copy) => isInTime(copy, index)),
        ),
    ),
  );
}

/** Returns whether the gap at this index names all rooms of a copy before anything newer of them. */
function isInTime({ position, lines }: PublishedCopy, gapIndex: number): boolean {
  return lines.every(
    (line) =>
      gapIndex < line.firstNewerThan(position) &&
      line.gapsOf(position).some(({ index }) => index === gapIndex),
  );
}
