import type { Position } from '../protocol/position.js';
import type { RoomMessage } from '../protocol/room-message.js';
import type { RoomHistory } from './room-history.js';

/** An event's objects around its text, measured: rings, ids and the frame's Buffers. */
const ENTRY_OVERHEAD_BYTES = 800;

/**
 * What an event counts, in each room that remembers it: its text as the string that was published, as the bytes of its
 * frame, and what is around it.
 */
export function bytesOf({ data }: RoomMessage): number {
  const encoded = Buffer.byteLength(data);
  // V8 keeps two bytes a character as soon as one does not fit into one.
  return encoded + (encoded === data.length ? 1 : 2) * data.length + ENTRY_OVERHEAD_BYTES;
}

/** Where an event is remembered. Its position, not the event: a room that drops it lets go of it. */
interface HistorySlot {
  readonly room: RoomHistory;
  readonly position: Position;
}

/** Keeps the histories of many rooms within their bounds: events and age per room, and bytes over all of them. */
export class HistoryTrimmer {
  readonly #maxBytes: number;
  /** Where every event of every room is, oldest first; events that their room has dropped are passed over. */
  #byAge: HistorySlot[] = [];
  #byAgeStart = 0;
  #entryCount = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds an event to all its rooms here, and drops what they may not keep any more. */
  add(message: RoomMessage, rooms: Iterable<RoomHistory>): void {
    const bytes = bytesOf(message);
    for (const room of rooms) {
      room.add(message, bytes);
      this.#byAge.push({ room, position: message.position });
      this.#bytes += bytes;
      this.#entryCount++;
      while (room.size > room.limits.maxEvents) this.#drop(room);
    }
    this.#trimBytes();
  }

  /** Drops what has become too old. */
  expire(room: RoomHistory, now: Position): void {
    const oldestUs = now - room.limits.maxAgeMs * 1_000;
    while ((room.oldest?.message.position ?? Infinity) < oldestUs) this.#drop(room);
  }

  /** Drops everything that a room remembers. */
  empty(room: RoomHistory): void {
    while (room.size > 0) this.#drop(room);
  }

  /** Rebuilds the list by age once most of it stands for events that are gone. */
  compact(): void {
    if (this.#byAge.length <= 2 * this.#entryCount + 64) return;
    this.#byAge = this.#byAge
      .slice(this.#byAgeStart)
      .filter(({ room, position }) => (room.oldest?.message.position ?? Infinity) <= position);
    this.#byAgeStart = 0;
  }

  /** Lets go of every event. */
  clear(): void {
    this.#byAge = [];
    this.#byAgeStart = this.#entryCount = this.#bytes = 0;
  }

  #drop(room: RoomHistory): void {
    this.#bytes -= room.shift();
    this.#entryCount--;
  }

  #trimBytes(): void {
    while (this.#bytes > this.#maxBytes && this.#byAgeStart < this.#byAge.length) {
      const { room, position } = this.#byAge[this.#byAgeStart++] as HistorySlot;
      if (room.oldest?.message.position === position) this.#drop(room);
    }
    this.compact();
  }
}
