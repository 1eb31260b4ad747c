import type { Position } from '../../protocol/position.js';
import type { RoomMessage } from '../../protocol/room-message.js';
import type { RoomHistory } from '../room-history.js';
import { StoredSlots } from './stored-slots.js';

/** Measured size of an event's objects besides its text: history entries, ids and the frame's Buffers. */
const ENTRY_OVERHEAD_BYTES = 800;

/** Returns the bytes that an event counts in each room's history: its text as a string and in its frame, and overhead. */
export function bytesOf({ data }: RoomMessage): number {
  const encoded = Buffer.byteLength(data);
  // V8 stores one byte per character for Latin-1 text, and two as soon as one character needs them.
  return encoded + (encoded === data.length ? 1 : 2) * data.length + ENTRY_OVERHEAD_BYTES;
}

/** Returns the bytes of a room's name in memory. */
export function nameBytesOf({ name }: RoomHistory): number {
  return Buffer.byteLength(name) === name.length ? name.length : 2 * name.length;
}

/** Counts rooms that have lost their last event, of which the last position is still stored. */
export interface QuietStore {
  /** Bytes of all of them. */
  readonly bytes: number;
  /** Last position of the room that has been quiet for longest; Infinity without any. */
  readonly oldestPosition: Position;
  /** A room has lost its last event. */
  emptied(room: RoomHistory): void;
  /** A quiet room has an event again. */
  ended(room: RoomHistory): void;
  /** Forgets the room that has been quiet for longest. */
  forgetOldest(): void;
}

/** Trims the histories of many rooms to their limits: events and age per room, and bytes over all rooms. */
export class HistoryTrimmer {
  readonly #maxBytes: number;
  readonly #quiet: QuietStore | undefined;
  /** The stored events of all rooms, oldest first. Slots of events that their room has dropped are skipped. */
  readonly #byAge = new StoredSlots();
  #entryCount = 0;
  #bytes = 0;

  /** @param quiet counts in the limit, too; the oldest events and quiet rooms are dropped first. Default: none */
  constructor(maxBytes: number, quiet?: QuietStore) {
    this.#maxBytes = maxBytes;
    this.#quiet = quiet;
  }

  /** Adds an event to the histories of its rooms, and drops the events that then exceed `maxEvents` or `maxBytes`. */
  add(message: RoomMessage, rooms: Iterable<RoomHistory>): void {
    const bytes = bytesOf(message);
    for (const room of rooms) {
      if (room.isQuiet) this.#quiet?.ended(room);
      if (room.size === 0) this.#bytes += nameBytesOf(room);
      room.add(message, bytes);
      this.#byAge.push({ room, position: message.position });
      this.#bytes += bytes;
      this.#entryCount++;
      while (room.size > room.limits.maxEvents) this.#drop(room);
    }
    this.#trimBytes();
  }

  /** Drops the events of a room that are older than its `maxAgeMs`. */
  expire(room: RoomHistory, now: Position): void {
    const oldestUs = now - room.limits.maxAgeMs * 1_000;
    while ((room.oldest?.message.position ?? Infinity) < oldestUs) this.#drop(room);
    this.compact();
  }

  /** Drops all events of a room. */
  empty(room: RoomHistory): void {
    while (room.size > 0) this.#drop(room);
  }

  /** Removes slots of dropped events from the list by age while they are more than half of it: a part at each call. */
  compact(): void {
    if (this.#byAge.size > 2 * this.#entryCount + 64) this.#byAge.compact();
  }

  /** Drops all slots and resets the counters. The rooms are dropped by the caller. */
  clear(): void {
    this.#byAge.clear();
    this.#entryCount = this.#bytes = 0;
  }

  #drop(room: RoomHistory): void {
    this.#bytes -= room.shift();
    this.#entryCount--;
    if (room.size > 0) return;
    this.#bytes -= nameBytesOf(room);
    this.#quiet?.emptied(room);
  }

  #trimBytes(): void {
    while (this.#bytes + (this.#quiet?.bytes ?? 0) > this.#maxBytes) {
      const slot = this.#byAge.oldest;
      const quietPosition = this.#quiet?.oldestPosition ?? Infinity;
      // A large event displaces events, but no quiet rooms: they are small, and each costs its clients a gap.
      const fits = this.#bytes <= this.#maxBytes;
      if (fits && quietPosition <= (slot?.position ?? Number.MAX_VALUE)) this.#quiet?.forgetOldest();
      else if (slot === undefined) break;
      else {
        this.#byAge.shift();
        if (slot.room.oldest?.message.position === slot.position) this.#drop(slot.room);
      }
    }
    this.compact();
  }
}
