import type { Position, ResumePoint } from '../../protocol/position.js';
import type { RoomMessage } from '../../protocol/room-message.js';

interface AwaitedCopy {
  position: Position;
  /** Rooms whose copy of an event is not delivered, because the awaited copy is expected first. */
  readonly laterRooms: Set<string>;
}

/**
 * Tracks copies that are expected from a partition which lags behind another one.
 *
 * A later copy of an event may arrive first. Clients in the rooms of both copies wait for the earlier copy. When that
 * partition reports a gap instead, the later copy's rooms may have missed the event too.
 */
export class AwaitedCopies {
  /** By partition and room of the earlier copy. */
  readonly #awaited = new Map<number, Map<string, AwaitedCopy>>();

  /** Records the earlier copies of an event that this node has not delivered yet. */
  observe(message: RoomMessage, positionOf: (partition: number) => ResumePoint): void {
    for (const { partition, position, rooms } of message.copies ?? []) {
      if (position <= positionOf(partition).position) continue;
      let ofPartition = this.#awaited.get(partition);
      if (ofPartition === undefined) this.#awaited.set(partition, (ofPartition = new Map()));
      for (const room of rooms) {
        let copy = ofPartition.get(room);
        if (copy === undefined) ofPartition.set(room, (copy = { position, laterRooms: new Set() }));
        copy.position = Math.max(copy.position, position);
        for (const later of message.rooms) copy.laterRooms.add(later);
      }
    }
  }

  /** Forgets the copies that a partition has delivered up to a position. */
  reached(partition: number, position: Position): void {
    const ofPartition = this.#awaited.get(partition);
    if (ofPartition === undefined) return;
    for (const [room, copy] of ofPartition) if (copy.position <= position) ofPartition.delete(room);
    if (ofPartition.size === 0) this.#awaited.delete(partition);
  }

  /**
   * Takes the rooms that may have missed an event together with the rooms of a gap.
   *
   * @param rooms the rooms that lost events; `undefined` for every room of the partition
   * @returns for each lost room, the rooms of later copies
   */
  takeLost(partition: number, rooms?: readonly string[]): Map<string, ReadonlySet<string>> {
    const lost = new Map<string, ReadonlySet<string>>();
    const ofPartition = this.#awaited.get(partition);
    for (const room of rooms ?? [...(ofPartition?.keys() ?? [])]) {
      const copy = ofPartition?.get(room);
      if (copy === undefined) continue;
      lost.set(room, copy.laterRooms);
      ofPartition?.delete(room);
    }
    return lost;
  }
}
