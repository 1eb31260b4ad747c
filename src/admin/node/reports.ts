import type { SseClient } from '../../connection/sse-client.js';
import type { RoomHub } from '../../rooms/room-hub.js';

/** Rooms of a client, and clients of a room, that are named. */
const MAX_NAMES = 100;

/** Facts of a node about one of its clients. */
export interface ClientReport {
  readonly client: string;
  readonly user: string | undefined;
  /** Path of its request, without the query. */
  readonly path: string;
  readonly rooms: readonly string[];
  readonly roomCount: number;
  readonly isSlow: boolean;
  readonly queuedBytes: number;
  /** Milliseconds since the last write to its socket. */
  readonly lastWriteMs: number;
  /** Reason for which the stream has ended. */
  readonly ended: string | undefined;
}

/** Facts of a node about one room. */
export interface RoomReport {
  readonly room: string;
  /** Number of clients on this node. */
  readonly clients: number;
  /** Some of them: id and user, if it has one. */
  readonly some: readonly (readonly [id: string, user?: string])[];
}

export function clientReport(client: SseClient, ended: string | undefined): ClientReport {
  const { connection, rooms } = client;
  return {
    client: client.id,
    user: client.user,
    path: pathOf(client.request),
    rooms: firstOf(rooms, MAX_NAMES),
    roomCount: rooms.size,
    isSlow: connection.queue.isStalled,
    queuedBytes: connection.queue.queuedBytes,
    lastWriteMs: Math.max(0, Math.round(performance.now() - connection.lastWriteMs)),
    ended,
  };
}

export function roomReport(hub: RoomHub, room: string): RoomReport {
  const clients = hub.roomSize(room);
  const some = clients === 0 ? [] : firstOf(hub.clientsOf(room), MAX_NAMES);
  return { room, clients, some: some.map(({ id, user }) => (user === undefined ? [id] : [id, user])) };
}

/** The first items of a collection that may be large. */
function firstOf<T>(items: Iterable<T>, count: number): T[] {
  const first: T[] = [];
  for (const item of items) {
    if (first.length === count) break;
    first.push(item);
  }
  return first;
}

function pathOf(request: unknown): string {
  const { url, originalUrl = url } = (request ?? {}) as {
    readonly url?: unknown;
    readonly originalUrl?: unknown;
  };
  return typeof originalUrl === 'string' ? originalUrl.replace(/[?#].*$/s, '').slice(0, 300) : '';
}
