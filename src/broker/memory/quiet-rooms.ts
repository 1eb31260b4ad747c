import type { Position } from '../../protocol/position.js';
import { nameBytesOf, type QuietStore } from '../history/history-trimmer.js';
import { LinkedList } from '../history/linked-list.js';
import type { RoomHistory } from '../room-history.js';

/** Measured bytes of a room without events besides its name: its record, and its entries in the map of rooms and here. */
const ROOM_BYTES = 400;

/**
 * The rooms of which only the position of the last event is stored, in the order in which they lost their last event. They
 * count in the byte limit of history.
 */
export class QuietRooms implements QuietStore {
  readonly #forget: (room: RoomHistory) => void;
  readonly #list = new LinkedList<RoomHistory>();
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
    return this.#list.oldest?.lastPosition ?? Infinity;
  }

  emptied(room: RoomHistory): void {
    room.isQuiet = true;
    this.#list.add(room);
    this.bytes += bytesOf(room);
  }

  /** A quiet room has an event again, or is removed. */
  ended(room: RoomHistory): void {
    room.isQuiet = false;
    this.#list.delete(room);
    this.bytes -= bytesOf(room);
  }

  forgetOldest(): void {
    const room = this.#list.oldest;
    if (room === undefined) return;
    this.#forgottenUpTo = Math.max(this.#forgottenUpTo, room.lastPosition);
    this.ended(room);
    this.#forget(room);
  }

  clear(): void {
    this.#list.clear();
    this.bytes = 0;
  }
}

function bytesOf(room: RoomHistory): number {
  return ROOM_BYTES + nameBytesOf(room);
}
