import type { Position } from '../../../protocol/position.js';
import { RoomMessage } from '../../../protocol/room-message.js';
import { countWithin } from '../../page-bytes.js';
import type { StreamEntry } from '../data/stream-entry.js';

interface FoundEvent {
  readonly entry: StreamEntry;
  /** The requested rooms that contain the event. */
  readonly rooms: string[];
}

/** Collects the entries of several rooms, and returns each event once. */
export class FoundEvents {
  readonly #found = new Map<Position, FoundEvent>();

  /** Adds the entries of a room up to a position. */
  add(room: string, entries: readonly StreamEntry[], until: Position): void {
    for (const entry of entries) {
      if (entry.position > until) continue;
      const existing = this.#found.get(entry.position);
      if (existing === undefined) this.#found.set(entry.position, { entry, rooms: [room] });
      else existing.rooms.push(room);
    }
  }

  /**
   * Drops the newest events over `maxBytes`.
   *
   * @returns the position of the last event that fits; `undefined` if all of them fit
   */
  trim(epoch: string, maxBytes: number): Position | undefined {
    const messages = this.messages(epoch);
    const count = countWithin(messages, maxBytes);
    if (count === messages.length) return undefined;
    for (const { position } of messages.slice(count)) this.#found.delete(position);
    return messages[count - 1]?.position;
  }

  /** Returns the events by ascending position. */
  messages(epoch: string): RoomMessage[] {
    return [...this.#found]
      .toSorted(([a], [b]) => a - b)
      .map(([position, { entry, rooms }]) => {
        const { event, allRooms = rooms } = entry;
        const delivery = { rooms: allRooms, epoch, position, replayable: true };
        return new RoomMessage(event, { ...event, ...delivery });
      });
  }
}
