import type { SseClient } from '../../connection/sse-client.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import type { Position } from '../../protocol/position.js';
import type { Partitions } from '../partitions.js';

/** Where the client stands in the partitions of these rooms. */
export function streamPositionOf(
  { connection }: SseClient,
  partitions: Partitions,
  rooms: readonly string[],
): StreamPosition {
  const own = Array.from(partitions.group(rooms).keys());
  return new Map(own.map((partition) => [partition, connection.cursor.point(partition)]));
}

/**
 * A new client's stream begins when it joined. Its node may have heard nothing for long, and stand where it stood then.
 * What has been heard since is owed to it all the same: it may be its own handler's.
 */
export function moveToJoinPosition(
  { connection }: SseClient,
  partitions: Partitions,
  rooms: readonly string[],
  sinceOf: (room: string) => Position,
): void {
  const { cursor, gate } = connection;
  if (gate?.overflowed) return;
  for (const [partition, own] of partitions.group(rooms)) {
    const { epoch, position } = cursor.point(partition);
    const since = Math.min(...own.map(sinceOf).filter((each) => each > position));
    const joined = Math.min(since, (gate?.oldestHeld(partition) ?? Infinity) - 1);
    if (!Number.isFinite(joined) || joined <= position) continue;
    cursor.move(partition, { epoch, position: joined });
    cursor.countRoomsFrom(partition, joined);
  }
}

/** How far the clocks of partitions may be apart. */
export const CLOCK_SKEW_US = 1_000_000;

/**
 * Moves the client to the place that it named, as far as this memory gave it. In a partition that it does not name it
 * had no room: there it is sent what came since about the oldest position that it does name.
 *
 * @returns the partitions in which it can go on
 */
export function moveToRequestedPosition(
  { connection }: SseClient,
  given: StreamPosition,
  memory: StreamPosition,
): number[] {
  const oldest = Math.min(...Array.from(given.values(), ({ position }) => position)) - CLOCK_SKEW_US;
  const resumable: number[] = [];
  for (const [partition, { epoch, position }] of memory) {
    const named = given.get(partition);
    if (named !== undefined && named.epoch !== epoch) continue;
    const point = named ?? { epoch, position: Math.min(oldest, position) };
    connection.cursor.move(partition, point);
    connection.cursor.countRoomsFrom(partition, named === undefined ? point.position : 0);
    resumable.push(partition);
  }
  return resumable;
}

/** Whether two places are of the same memories, where both name one. */
export function isOfSameEpochs(given: StreamPosition, here: StreamPosition): boolean {
  return Array.from(given).every(([partition, { epoch }]) => (here.get(partition)?.epoch ?? epoch) === epoch);
}
