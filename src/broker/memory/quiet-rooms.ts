import type { Position } from '../../protocol/position.js';
import type { QuietStore } from '../history/history-trimmer.js';
import type { RoomHistory } from '../room-history.js';

/** Measured bytes of a room without events besides its name: its record, and its entries in the map of rooms and here. */
const ROOM_BYTES = 400;

/**
 * The rooms of which only the position of the last event is stored, in the order in which they lost their last event. They
 * count in the byte limit of history.
 */
export class QuietRooms implements QuietStore {
  readonly #forget: (room: RoomHistory) => void;
  /** Both ends of a list that the rooms themselves are linked to: a list of a million entries would be copied at times. */
  #oldest: RoomHistory | undefined;
  #newest: RoomHistory | undefined;
  #forgottenUpTo: Position = 0;
  bytes = 0;

  /** @param forget removes a room whose last position is forgotten for the limit */
  constructor(forget: (room: RoomHistory) => void) {
    this.#forget = forget;
  }

  /** The position of the newest event of a room that was forgotten for the limit. An unknown room may have had it. */
  get forgottenUpTo(): Position {
    return this.#forgottenUpTo;
  }

  get oldestPosition(): Position {
    return this.#oldest?.lastPosition ?? Infinity;
  }

  emptied(room: RoomHistory): void {
    room.isQuiet = true;
    room.quietBefore = this.#newest;
    if (this.#newest === undefined) this.#oldest = room;
    else this.#newest.quietAfter = room;
    this.#newest = room;
    this.bytes += bytesOf(room);
  }

  /** A quiet room has an event again, or is removed. */
  ended(room: RoomHistory): void {
    const { quietBefore, quietAfter } = room;
    room.isQuiet = false;
    room.quietBefore = room.quietAfter = undefined;
    if (quietBefore === undefined) this.#oldest = quietAfter;
    else quietBefore.quietAfter = quietAfter;
    if (quietAfter === undefined) this.#newest = quietBefore;
    else quietAfter.quietBefore = quietBefore;
    this.bytes -= bytesOf(room);
  }

  forgetOldest(): void {
    const room = this.#oldest;
    if (room === undefined) return;
    this.#forgottenUpTo = Math.max(this.#forgottenUpTo, room.lastPosition);
    this.ended(room);
    this.#forget(room);
  }

  clear(): void {
    this.#oldest = this.#newest = undefined;
    this.bytes = 0;
  }
}

function bytesOf({ name }: RoomHistory): number {
  return ROOM_BYTES + name.length;
}
