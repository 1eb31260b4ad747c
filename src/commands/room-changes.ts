import type { RunTimeJoin } from '../connection/sse-client.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { SseError } from '../protocol/sse-error.js';
import type { CommandHost } from './command-host.interface.js';
import type { CommandTarget } from './command-target.js';
import { failureText } from './remote-command-codec.js';
import type { ChangeOutcome, RefusedJoin, RoomChanges } from './room-changes.interface.js';

/**
 * Joins a client to a room. Settles when it receives every event that is published from now on.
 *
 * @throws SseError `room-forbidden`, `too-many-rooms`, `broker-unavailable`
 */
export async function joinOne(
  client: SseClient,
  room: string,
  options: RunTimeJoin,
  host: CommandHost,
): Promise<void> {
  await host.joinAtRunTime(client, room, options);
  // Also for a client that was in the room before: its own join may be pending.
  await host.whenSubscribed(room);
}

/**
 * Changes the rooms of clients: leaves first, which may make room for joins. A room that a client may not join does not keep
 * it from the others.
 *
 * @throws SseError `broker-unavailable`, `broker-closed`
 */
export async function changeRooms(
  clients: readonly SseClient[],
  to: CommandTarget,
  { join, leave, replay = 0, inOrderIn }: RoomChanges & Pick<RunTimeJoin, 'inOrderIn'>,
  host: CommandHost,
): Promise<ChangeOutcome> {
  const refused = new Map<string, RefusedJoin>();
  await Promise.all(
    clients.map(async (client) => {
      await Promise.all(leave.map(async (room) => host.leave(client, room, to.session !== undefined)));
      const joinOrRefuse = async (room: string): Promise<void> => {
        try {
          await joinOne(client, room, { replay, inOrderIn }, host);
        } catch (error) {
          refused.set(room, { room, ...reasonOf(error) });
        }
      };
      await Promise.all(join.map(joinOrRefuse));
    }),
  );
  const reached = clients.filter((client) => !client.isClosed).length;
  return refused.size === 0 ? { reached } : { reached, refused: [...refused.values()] };
}

/** @throws the error, unless it is a refusal of one room alone */
function reasonOf(error: unknown): Omit<RefusedJoin, 'room'> {
  if (error instanceof SseError && error.code === 'too-many-rooms')
    return { status: 409, message: failureText(error.message) };
  if (error instanceof SseError && error.code === 'room-forbidden') {
    return error.cause === undefined
      ? { status: 403, message: 'Forbidden' }
      : { status: 500, message: 'Internal server error' };
  }
  throw error;
}
