import type { JsonValue } from './json-value.js';
import { RESERVED_EVENT_PREFIX } from './event-fields.js';
import type { RoomEvent } from './room-message.js';

/** The first connection of a user in a room, or the end of the last one, over all nodes. */
export interface PresenceChange {
  readonly type: 'join' | 'leave';
  readonly room: string;
  readonly user: string;
  /** What `identify` said of the user, where it said something. */
  readonly info?: JsonValue;
}

/** How the data of a change begins; `presenceEnd` follows. */
export function presenceOpening(room: string, user: string): string {
  return `{"room":${JSON.stringify(room)},"user":${JSON.stringify(user)}`;
}

/** @param info as JSON */
function presenceEnd(info: string | undefined): string {
  return info === undefined ? '}' : `,"info":${info}}`;
}

/**
 * A change as nodes tell it to each other: an event of its room, without a position. Applications cannot send one, since
 * its name is reserved.
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

/** @returns the change, or `undefined` for any other event */
export function parsePresenceEvent({ event, data }: RoomEvent): PresenceChange | undefined {
  if (event !== 'sse:join' && event !== 'sse:leave') return undefined;
  try {
    const told = JSON.parse(data) as Partial<PresenceChange> | null;
    if (typeof told?.room !== 'string' || typeof told.user !== 'string') return undefined;
    const type = event === 'sse:join' ? 'join' : 'leave';
    const { room, user, info } = told;
    return info === undefined ? { type, room, user } : { type, room, user, info };
  } catch {
    return undefined;
  }
}
