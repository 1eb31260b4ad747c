import type { Position } from '../protocol/position.js';
import type { RoomMessage } from '../protocol/room-message.js';
import type { RoomHistoryLimits } from './broker.interface.js';
import { bytesInPage } from './page-bytes.js';

/** One event in the history of one room. */
export interface HistoryEntry {
  readonly message: RoomMessage;
  /** Position of the event before it in this room, 0 for the first. A client that resumes from before `previous` has a gap. */
  readonly previous: Position;
  readonly bytes: number;
}

/** Shared by all rooms without events. Nothing is added to it. */
const NOTHING: (HistoryEntry | undefined)[] = [];

/** Stores the newest events of one room, and the position of the last one even after all were dropped. */
export class RoomHistory {
  readonly limits: RoomHistoryLimits;
  readonly name: string;
  lastPosition: Position = 0;
  /** Position up to which earlier events of the room may be unknown: its record was forgotten before. Default: 0. */
  unknownUpTo: Position = 0;
  /** True while `QuietStore` counts the room. */
  isQuiet = false;
  /** The rooms before and after this one in the list of `QuietStore`. */
  linkedBefore: RoomHistory | undefined;
  linkedAfter: RoomHistory | undefined;
  // Slots before `#start` are `undefined`.
  #entries = NOTHING;
  #start = 0;

  constructor(limits: RoomHistoryLimits, name = '') {
    this.limits = limits;
    this.name = name;
  }

  get size(): number {
    return this.#entries.length - this.#start;
  }

  get oldest(): HistoryEntry | undefined {
    return this.#entries[this.#start];
  }

  /** Appends an event. @returns its entry, with the former last position as `previous` */
  add(message: RoomMessage, bytes: number): HistoryEntry {
    const entry = { message, previous: this.lastPosition, bytes };
    // With `push`, the array of a single event would have room for 17: 128 bytes more.
    if (this.#entries.length === 0) this.#entries = [entry];
    else this.#entries.push(entry);
    this.lastPosition = message.position;
    return entry;
  }

  /** Drops the oldest event. @returns the bytes released; 0 if the room is empty */
  shift(): number {
    const entry = this.#entries[this.#start];
    if (entry === undefined) return 0;
    // Cleared at once, so that the event can be garbage collected before the next cut.
    this.#entries[this.#start++] = undefined;
    if (this.size === 0) {
      this.#entries = NOTHING;
      this.#start = 0;
    } else if (this.#start > 64 && this.#start * 2 > this.#entries.length) {
      // Empty slots are cut off in blocks: `Array.shift` may copy a long array at each call.
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
    return entry.bytes;
  }

  /**
   * Returns the entries after a position, oldest first.
   *
   * @param maxBytes bytes of a page. Ends with the first entry that does not fit, which shows that there are more, and
   * has at least two if there are as many. Default: no limit
   */
  after(position: Position, maxBytes = Infinity): HistoryEntry[] {
    let low = this.#start;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle] as HistoryEntry).message.position <= position) low = middle + 1;
      else high = middle;
    }
    let end = maxBytes === Infinity ? this.#entries.length : low;
    for (let bytes = 0; end < this.#entries.length && (bytes <= maxBytes || end < low + 2); end++) {
      bytes += bytesInPage((this.#entries[end] as HistoryEntry).message);
    }
    return this.#entries.slice(low, end) as HistoryEntry[];
  }

  newest(count: number): HistoryEntry[] {
    return this.#entries.slice(Math.max(this.#start, this.#entries.length - count)) as HistoryEntry[];
  }
}

/** Sorts the events of several rooms by position, in place, and returns each event once. */
export function mergeByPosition(messages: RoomMessage[]): RoomMessage[] {
  messages.sort((a, b) => a.position - b.position);
  return messages.filter((message, index) => message !== messages[index - 1]);
}
