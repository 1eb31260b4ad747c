import type { Position } from '../../protocol/position.js';
import type { QuietStore } from '../history-trimmer.js';
import type { RoomHistory } from '../room-history.js';

/** Measured bytes of a room without events besides its name: its record, and its entries in the map of rooms and here. */
const ROOM_BYTES = 400;

interface QuietRoom {
  readonly room: RoomHistory;
  /** Position of its last event. The room's own is newer if it has had events since. */
  readonly position: Position;
}

/**
 * The rooms of which only the position of the last event is stored, in the order in which they lost their last event. They
 * count in the byte limit of history.
 */
export class QuietRooms implements QuietStore {
  readonly #forget: (room: RoomHistory) => void;
  #rooms: QuietRoom[] = [];
  #start = 0;
  #count = 0;
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
    return this.#oldest()?.position ?? Infinity;
  }

  emptied(room: RoomHistory): void {
    room.isQuiet = true;
    this.#rooms.push({ room, position: room.lastPosition });
    this.#count++;
    this.bytes += bytesOf(room);
  }

  /** A quiet room has an event again, or is removed. */
  ended(room: RoomHistory): void {
    room.isQuiet = false;
    this.#count--;
    this.bytes -= bytesOf(room);
    if (this.#rooms.length <= 2 * this.#count + 1_024) return;
    this.#rooms = this.#rooms.slice(this.#start).filter(isCurrent);
    this.#start = 0;
  }

  forgetOldest(): void {
    const { room, position } = this.#oldest() ?? {};
    if (room === undefined || position === undefined) return;
    this.#forgottenUpTo = Math.max(this.#forgottenUpTo, position);
    this.ended(room);
    this.#forget(room);
  }

  clear(): void {
    this.#rooms = [];
    this.#start = this.#count = this.bytes = 0;
  }

  #oldest(): QuietRoom | undefined {
    for (; this.#start < this.#rooms.length; this.#start++) {
      const quiet = this.#rooms[this.#start] as QuietRoom;
      if (isCurrent(quiet)) return quiet;
    }
    return undefined;
  }
}

function isCurrent({ room, position }: QuietRoom): boolean {
  return room.isQuiet && room.lastPosition === position;
}

function bytesOf({ name }: RoomHistory): number {
  return ROOM_BYTES + name.length;
}
