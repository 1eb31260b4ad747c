import type { SseClient } from '../connection/sse-client.js';
import { EVERYONE } from '../protocol/input/room-name.js';

/** Returns whether a client receives the events of a room: it is in the room, and its join is not pending. */
export function receives(client: SseClient, room: string): boolean {
  return room === EVERYONE || (client.isIn(room) && client.joining?.has(room) !== true);
}

/** Records that a client receives a room, or has left it. */
export function endPendingJoin(client: SseClient, room: string): void {
  if (client.joining?.delete(room) === true && client.joining.size === 0) client.joining = undefined;
}
