import type { SseClient } from '../../connection/sse-client.js';
import type { CurrentPosition, StreamPosition } from '../../protocol/stream-position.js';
import type { Position } from '../../protocol/position.js';
import type { Partitions } from '../partitions/partitions.js';

/** The client's position in the partitions of some rooms. */
export function streamPositionOf(
  { connection }: SseClient,
  partitions: Partitions,
  rooms: readonly string[],
): StreamPosition {
  return new Map(
    Array.from(partitions.group(rooms).keys(), (partition) => [
      partition,
      connection.cursor.point(partition),
    ]),
  );
}

/** By partition of some rooms, the position that an id names; 0 where it names none. */
export function positionsIn(
  partitions: Partitions,
  rooms: readonly string[],
  requested: StreamPosition | undefined,
): Map<number, Position> {
  const numbers = [...partitions.group(rooms).keys()];
  return new Map(numbers.map((partition) => [partition, requested?.get(partition)?.position ?? 0]));
}

/**
 * Moves a new client to the position at which it joined. The position of its node may be much older, on a node that
 * received no event for long. The new position is older than every event that the gate holds, so that all of these are
 * sent: the client's own handler may have published them.
 *
 * @param sinceOf the position up to which history entries of a room predate this node's subscription
 */
export function moveToJoinPosition(
  { connection }: SseClient,
  partitions: Partitions,
  rooms: readonly string[],
  sinceOf: (room: string) => Position,
): void {
  const { cursor, gate } = connection;
  if (gate?.overflowed) return;
  for (const [partition, partitionRooms] of partitions.group(rooms)) {
    const { epoch, position } = cursor.point(partition);
    const since = Math.min(...partitionRooms.map(sinceOf).filter((each) => each > position));
    const joined = Math.min(since, (gate?.oldestHeld(partition) ?? Infinity) - 1);
    if (!Number.isFinite(joined) || joined <= position) continue;
    cursor.move(partition, { epoch, position: joined });
    cursor.countRoomsFrom(partition, joined);
  }
}

/**
 * The current position of the broker. A node without a connection cannot tell a new epoch from an old one: it waits, as
 * for any read of history, and the client is at the requested position meanwhile.
 */
export async function readCurrentPosition(
  { connection, signal }: SseClient,
  partitions: Partitions,
  rooms: readonly string[],
  requested: StreamPosition | undefined,
): Promise<StreamPosition> {
  if (requested === undefined) return partitions.currentPosition(rooms);
  for (const partition of partitions.group(rooms).keys()) {
    const point = requested.get(partition);
    if (point !== undefined) connection.cursor.move(partition, point);
  }
  return partitions.livePosition(rooms, signal);
}

/** Largest difference between the clocks of two partitions, in microseconds. */
export const CLOCK_SKEW_US = 1_000_000;

/** How a client that came with a `Last-Event-ID` continues. */
export interface ResumedPartitions {
  /** The partitions that continue without a gap, unless history was trimmed. */
  readonly sameEpoch: readonly number[];
  /** True if events of another epoch were stored again after the client's position, so that history is read for them. */
  readonly hasRestored: boolean;
}

/**
 * Moves a client to the position that its `Last-Event-ID` names, in every partition that still has the same epoch. In
 * another epoch the client continues after `startInOtherEpoch`: behind its own position where events were stored again,
 * otherwise not before the events that the gate holds. In a partition that the id does not name the client had no room:
 * there it receives the events since about the oldest position that the id names.
 *
 * Example: the id names partition 0 at 90 s and partition 2 at 95 s, and a new room of the client is in partition 1. The
 * client then resumes partition 1 from 89 s, one second of clock skew before the oldest position.
 *
 * @param gatePosition the position after which the gate holds the events of the client
 * @param requested the position of the id
 * @param current the current position of the broker
 */
export function moveToRequestedPosition(
  { connection }: SseClient,
  gatePosition: StreamPosition,
  requested: StreamPosition,
  current: CurrentPosition,
): ResumedPartitions {
  const oldest = Math.min(...Array.from(requested.values(), ({ position }) => position)) - CLOCK_SKEW_US;
  const sameEpoch: number[] = [];
  let hasRestored = false;
  for (const [partition, { epoch, position, restoredUpTo = 0 }] of current) {
    const named = requested.get(partition);
    if (named !== undefined && named.epoch !== epoch) {
      const isRestored = named.position < restoredUpTo;
      hasRestored ||= isRestored;
      const held = isRestored ? 0 : (gatePosition.get(partition)?.position ?? 0);
      const start = startInOtherEpoch(named.position, held, position);
      connection.cursor.move(partition, { epoch, position: start });
      // Copies of events up to there do not count as received in other partitions.
      if (start > held) connection.cursor.countRoomsFrom(partition, start);
      continue;
    }
    const point = named ?? { epoch, position: Math.min(oldest, position) };
    connection.cursor.move(partition, point);
    connection.cursor.countRoomsFrom(partition, named === undefined ? point.position : 0);
    sameEpoch.push(partition);
  }
  return { sameEpoch, hasRestored };
}

/**
 * The position after which a client continues in another epoch, once it has been sent a gap. It is not before `reached`,
 * where the client was in the old epoch: both epochs take positions from a clock, and the client may have received events
 * of the new epoch before, from another node. So no event is sent twice, and none that is older than what the client has.
 *
 * Example: a client received the event at 50 of the new epoch, and then came to a node that followed the old one and was
 * at 40. There it continued after 50, the id that it had. When that node learns of the new epoch it reads the events
 * after 40, and the client is not sent the one at 50 again.
 *
 * @param reached the position of the client in the old epoch
 * @param delivered the position after which this node delivers events of the new epoch
 * @param current the position of the new epoch: later events are after it, and none of them may be left out
 */
export function startInOtherEpoch(reached: Position, delivered: Position, current: Position): Position {
  return Math.max(delivered, Math.min(reached, current));
}

/** True if two positions have the same epoch in every partition that both name. */
export function haveSameEpochs(a: StreamPosition, b: StreamPosition): boolean {
  return Array.from(a).every(([partition, { epoch }]) => (b.get(partition)?.epoch ?? epoch) === epoch);
}
