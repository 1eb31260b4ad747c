import type { SseClient } from '../connection/sse-client.js';
import { messageOf } from '../protocol/error-text.js';
import type { Replay } from '../protocol/input/replay-option.js';
import { SseError } from '../protocol/sse-error.js';
import type { CommandHost } from './command-host.interface.js';
import { failureText } from './remote-command-codec.js';
import type { ChangeOutcome, RefusedJoin, RoomChanges } from './room-changes.interface.js';

/** Joins one client to a room. @returns the number of clients that are in it, as the command `join` */
export type JoinOne = (client: SseClient, room: string, replay: Replay) => Promise<number>;

/**
 * Changes the rooms of clients: leaves first, which may make room for joins. A room that a client may not join does not keep
 * it from the others.
 *
 * @throws SseError `broker-unavailable`, `broker-closed`
 */
export async function changeRooms(
  clients: readonly SseClient[],
  { join, leave, replay = 0 }: RoomChanges,
  host: CommandHost,
  joinOne: JoinOne,
): Promise<ChangeOutcome> {
  const refused = new Map<string, RefusedJoin>();
  await Promise.all(
    clients.map(async (client) => {
      await Promise.all(leave.map(async (room) => host.leave(client, room, false)));
      const joinOrRefuse = async (room: string): Promise<void> => {
        try {
          if ((await joinOne(client, room, replay)) === 0)
            refused.set(room, { room, status: 403, message: 'Forbidden' });
        } catch (error) {
          refused.set(room, refusedJoin(room, error));
        }
      };
      await Promise.all(join.map(joinOrRefuse));
    }),
  );
  const reached = clients.filter((client) => !client.isClosed).length;
  return refused.size === 0 ? { reached } : { reached, refused: [...refused.values()] };
}

/** @throws the error, unless it is a refusal of this room alone */
function refusedJoin(room: string, error: unknown): RefusedJoin {
  const message = failureText(messageOf(error));
  const code = error instanceof SseError ? error.code : undefined;
  if (code === 'too-many-rooms') return { room, status: 409, message };
  if (code === 'room-forbidden') return { room, status: 403, message: 'Forbidden' };
  throw error;
}
