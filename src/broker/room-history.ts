import type { Position } from '../protocol/position.js';
import type { RoomMessage } from '../protocol/room-message.js';
import type { RoomHistoryLimits } from './broker.interface.js';

/** One event in one room's history. */
export interface HistoryEntry {
  readonly message: RoomMessage;
  /** The position of the event before it in this room; 0 for the first. A hole shows as `previous` newer than what was seen. */
  readonly previous: Position;
  readonly bytes: number;
}

/** What a room remembers: its newest events, and the position of its last even after they are gone. */
export class RoomHistory {
  readonly limits: RoomHistoryLimits;
  lastPosition: Position = 0;
  // Slots before `#start` are empty.
  #entries: (HistoryEntry | undefined)[] = [];
  #start = 0;

  constructor(limits: RoomHistoryLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.#entries.length - this.#start;
  }

  get oldest(): HistoryEntry | undefined {
    return this.#entries[this.#start];
  }

  /** @returns the entry, with what its room last heard as its `previous` */
  add(message: RoomMessage, bytes: number): HistoryEntry {
    const entry = { message, previous: this.lastPosition, bytes };
    this.#entries.push(entry);
    this.lastPosition = message.position;
    return entry;
  }

  /** Forgets the oldest event. @returns the bytes set free */
  shift(): number {
    const entry = this.#entries[this.#start];
    if (entry === undefined) return 0;
    // Emptied at once: what is forgotten must not be held until the next cut.
    this.#entries[this.#start++] = undefined;
    // Cut off in blocks: shifting an array of thousands each time would copy it each time.
    if (this.#start > 64 && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
    return entry.bytes;
  }

  /** The entries after a position, oldest first. */
  after(position: Position): HistoryEntry[] {
    let low = this.#start;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle] as HistoryEntry).message.position <= position) low = middle + 1;
      else high = middle;
    }
    return this.#entries.slice(low) as HistoryEntry[];
  }

  newest(count: number): HistoryEntry[] {
    return this.#entries.slice(Math.max(this.#start, this.#entries.length - count)) as HistoryEntry[];
  }
}
