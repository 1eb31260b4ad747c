import type { RestoredRoom } from '../../connection/client-session.interface.js';
import type { SseClient } from '../../connection/sse-client.js';
import type { Position } from '../../protocol/position.js';
import type { StreamPosition } from '../../protocol/stream-position.js';
import type { Partitions } from '../partitions/partitions.js';
import { roomsOf, type RoomRegistry } from '../room-registry.js';
import type { FirstRead } from './first-read.interface.js';
import type { LateRooms } from './late-rooms.js';
import { streamPositionOf } from './starting-position.js';

/** The session of a client whose stream has come back. */
export interface RestoredSession {
  /** The rooms that the client has joined again. */
  readonly rooms: readonly RestoredRoom[];
  /** True if a client that has received events before comes back to a session that does not exist any more. */
  readonly isGone: boolean;
}

/**
 * Joins a client to the rooms of its session. It receives their events from the position of the join on: a session is never
 * resumed from before the moment in which it joined a room.
 *
 * Example: a client resumes after position 10, and its session joined room `b` at 40. Of `b` it receives the events after 40,
 * of the rooms of its request those after 10. A client that resumes after 60 receives those after 60 of both.
 */
export async function restoreSession(
  client: SseClient,
  rooms: RoomRegistry,
  late: LateRooms,
): Promise<RestoredSession | undefined> {
  if (client.session === undefined) return undefined;
  const stored = await client.session.restore();
  const restored: RestoredRoom[] = [];
  for (const each of stored.rooms) {
    if (client.isClosed) break;
    const { room, epoch, position } = each;
    // The request has named it too: then it is resumed like the other rooms of the request.
    if (client.isIn(room) && !late.has(room)) continue;
    if (!client.isIn(room)) rooms.join(client, room);
    late.joined(room, position, epoch);
    restored.push(each);
  }
  return { rooms: restored, isGone: stored.isNew && (client.lastEventId ?? '') !== '' };
}

/** Sets the position of the restored rooms in the cursor of the client, for events that several partitions have. */
export function countFromJoins(
  { connection }: SseClient,
  partitions: Partitions,
  { rooms }: RestoredSession,
  late: LateRooms,
): void {
  for (const { room } of rooms) {
    const { epoch } = connection.cursor.point(partitions.partitionOf(room));
    connection.cursor.joined(room, late.since(room, epoch));
  }
}

/**
 * Moves a client without a `Last-Event-ID` to the joins of its restored rooms: it was cut before its first event. The rooms
 * of its request begin now, as for any new client.
 *
 * Example: the session joined room `b` at 40, and the client comes back at 100. History is read after 40; of the rooms of the
 * request, the events after 100 are sent.
 */
export async function moveToJoins(
  client: SseClient,
  partitions: Partitions,
  { rooms }: RestoredSession,
  late: LateRooms,
): Promise<FirstRead> {
  const { cursor } = client.connection;
  const all = roomsOf(client);
  const gatePosition = streamPositionOf(client, partitions, all);
  const isKnown = rooms.every(
    ({ room, epoch }) => gatePosition.get(partitions.partitionOf(room))?.epoch === epoch,
  );
  // Another node may have received a new epoch that this node does not know yet.
  const current: StreamPosition = isKnown ? gatePosition : await partitions.livePosition(all, client.signal);
  for (const room of all) {
    const point = gatePosition.get(partitions.partitionOf(room));
    if (!late.has(room)) late.joined(room, point?.position ?? 0, point?.epoch);
  }
  const lostRooms: string[] = [];
  const starts = new Map<number, Position>();
  for (const { room, epoch, position } of rooms) {
    const partition = partitions.partitionOf(room);
    const point = current.get(partition);
    if (point?.epoch === epoch) {
      starts.set(partition, Math.min(position, point.position, starts.get(partition) ?? Infinity));
    } else {
      lostRooms.push(room);
      late.joined(room, gatePosition.get(partition)?.position ?? 0);
    }
  }
  for (const [partition, position] of starts) {
    const epoch = current.get(partition)?.epoch ?? '';
    cursor.move(partition, { epoch, position });
  }
  countFromJoins(client, partitions, { rooms, isGone: false }, late);
  return {
    from: streamPositionOf(client, partitions, all),
    heldFrom: gatePosition,
    isNeeded: true,
    lostRooms,
  };
}
