import { SseError } from '../sse-error.js';

/**
 * Refuses more rooms for one client than a node allows.
 *
 * @throws SseError `too-many-rooms`
 */
export function checkRoomCount(count: number, maxRoomsPerClient: number | false): void {
  if (maxRoomsPerClient === false || count <= maxRoomsPerClient) return;
  throw new SseError(
    'too-many-rooms',
    `A client may be in ${maxRoomsPerClient} rooms. Leave rooms before, or raise the option "limits.maxRoomsPerClient" of SseModule.`,
  );
}
