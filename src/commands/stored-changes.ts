import type { CommandTarget } from './command-target.js';
import type { ChangeOutcome, RefusedJoin, RoomChanges } from './room-changes.interface.js';
import type { StoredSessionCommands } from './stored-sessions.interface.js';

/**
 * Changes the stored session of a target before its stream: one that is between two connections comes back with the change.
 *
 * @returns 1 as `reached` where the session exists, and the rooms that it has no room for
 * @throws SseError `broker-closed`, `broker-unavailable`
 */
export async function storeChanges(
  to: CommandTarget,
  { join, leave }: RoomChanges,
  sessions: StoredSessionCommands | undefined,
  timeoutMs: number,
): Promise<Required<ChangeOutcome>> {
  if (to.session === undefined || sessions === undefined) return { reached: 0, refused: [] };
  const { stored, full } = await sessions.change(to, { join, leave }, timeoutMs);
  const refused = full.map((room): RefusedJoin => ({
    room,
    status: 409,
    message: 'The session has its most rooms.',
  }));
  return { reached: stored > 0 || full.length > 0 ? 1 : 0, refused };
}
