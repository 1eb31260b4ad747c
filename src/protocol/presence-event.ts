import type { JsonValue } from './json-value.js';
import { RESERVED_EVENT_PREFIX } from './input/event-fields.js';
import type { RoomEvent } from './room-message.js';
import { NAMES_OF_OTHER_NODES, checkRoom } from './input/room-name.js';
import { checkUser } from './input/user-name.js';

/** The first connection of a user in a room, or the end of the last one, over all nodes. */
export interface PresenceChange {
  readonly type: 'join' | 'leave';
  readonly room: string;
  readonly user: string;
  /** The user's info from `identify`, if any. */
  readonly info?: JsonValue;
}

/** Returns the first part of a presence event's data; `presenceEnd` is the rest. */
export function presenceOpening(room: string, user: string): string {
  return `{"room":${JSON.stringify(room)},"user":${JSON.stringify(user)}`;
}

/** @param info as JSON */
function presenceEnd(info: string | undefined): string {
  return info === undefined ? '}' : `,"info":${info}}`;
}

/**
 * Creates the event that carries a presence change between nodes. Applications cannot send one, as its name is reserved.
 *
 * @param info as JSON
 */
export function presenceEvent(
  type: PresenceChange['type'],
  room: string,
  user: string,
  info: string | undefined,
): RoomEvent {
  return {
    event: RESERVED_EVENT_PREFIX + type,
    data: presenceOpening(room, user) + presenceEnd(info),
    serialized: true,
  };
}

/** Parses a presence event. @returns the change; `undefined` for any other event, or malformed data */
export function parsePresenceEvent({ event, data }: RoomEvent): PresenceChange | undefined {
  if (event !== 'sse:join' && event !== 'sse:leave') return undefined;
  try {
    const change = JSON.parse(data) as Partial<PresenceChange> | null;
    const { room, user, info } = change ?? {};
    if (typeof room !== 'string' || typeof user !== 'string') return undefined;
    if (checkRoom(room, NAMES_OF_OTHER_NODES) !== room || checkUser(user) !== user) return undefined;
    const type = event === 'sse:join' ? 'join' : 'leave';
    return info === undefined ? { type, room, user } : { type, room, user, info };
  } catch {
    return undefined;
  }
}
