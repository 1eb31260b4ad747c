import { describeValue } from '../error-text.js';
import { SseError } from '../sse-error.js';
import { unsafeTextReason } from './unsafe-text.js';

/** The room of all clients. No client can join or leave it. */
export const EVERYONE = '*';

const MAX_ROOM_LENGTH = 255;
const INTERNAL_PREFIX = '*sse:';

/** A room's name as an argument. A number means its decimal string; `0` is a valid room. */
export type RoomName = string | number;

/** Names of rooms that an application allows. */
export interface RoomNameRules {
  /** True if a name may contain `*` beside other characters. Default: `false`. */
  readonly allowAsteriskInRoomNames?: boolean;
}

/** Rules for names that a node has checked before it sent them, perhaps with other options than this node. */
export const NAMES_OF_OTHER_NODES: RoomNameRules = { allowAsteriskInRoomNames: true };

/**
 * Validates a room's name: 1 to 255 characters, none of them a control character, nor `*` unless the rules allow it.
 *
 * @returns the name; `'*'` is valid
 * @throws SseError `invalid-room`
 */
export function checkRoom(room: unknown, rules: RoomNameRules = {}): string {
  const name = asText(room);
  if (typeof name !== 'string' || name === '') {
    throw new SseError(
      'invalid-room',
      `A room is a string that is not empty, or a number, not ${describeValue(room)}.`,
    );
  }
  if (name.length > MAX_ROOM_LENGTH) {
    throw new SseError(
      'invalid-room',
      `The room ${describeValue(name)} is longer than ${MAX_ROOM_LENGTH} characters.`,
    );
  }
  const unsafe = unsafeTextReason(name);
  if (unsafe !== undefined) {
    throw new SseError('invalid-room', `The room ${describeValue(name)} contains ${unsafe}. Remove it.`);
  }
  if (name.startsWith(INTERNAL_PREFIX)) {
    throw new SseError(
      'invalid-room',
      `The room ${describeValue(name)} begins with "${INTERNAL_PREFIX}", as the rooms of this package do. Choose another name.`,
    );
  }
  if (rules.allowAsteriskInRoomNames !== true && name.includes(EVERYONE) && name !== EVERYONE) {
    throw new SseError(
      'invalid-room',
      `The room ${describeValue(name)} contains "*", which is a pattern only in the option "rooms" of SseModule. Name each room, or set allowAsteriskInRoomNames: true for names that contain it.`,
    );
  }
  return name;
}

/**
 * Returns true for a room of this package, which carries messages between nodes and has no clients. `checkRoom` refuses its
 * name, so that no application can join it or publish to it.
 */
export function isInternalRoom(name: string): boolean {
  return name.startsWith(INTERNAL_PREFIX) && /^[a-z-]{1,32}$/.test(name.slice(INTERNAL_PREFIX.length));
}

/** Converts a finite number to its decimal string, and returns any other value unchanged. */
export function asText(room: unknown): unknown {
  return typeof room === 'number' && Number.isFinite(room) ? String(room) : room;
}

/**
 * Parts of a name that come from a value that is missing, as in `user/undefined`. `null` only counts as a whole part: texts
 * such as `not-null` are plausible names.
 */
const EMPTY_PART = /(?:^|[/:.])null(?:$|[/:.])|(?:^|[/:._-])(?:undefined|NaN|\[object \w+\])(?:$|[/:.])/;

/**
 * Validates a room that clients join, or that events go to: as `checkRoom`, and no part of the name may come from a missing
 * value, since strangers would share the room.
 *
 * @throws SseError `invalid-room`
 */
export function checkTarget(room: unknown, rules?: RoomNameRules): string {
  const name = checkRoom(room, rules);
  if (!EMPTY_PART.test(name)) return name;
  throw new SseError(
    'invalid-room',
    `A part of the room ${describeValue(name)} has no value, so strangers would share it. Check the value, as with a guard, before it becomes a room.`,
  );
}

/** Validates a target or a list of targets, as `checkTarget`. @returns each name once, in the given order */
export function checkRooms(rooms: RoomName | readonly RoomName[], rules?: RoomNameRules): string[] {
  if (!Array.isArray(rooms)) return [checkTarget(rooms, rules)];
  return [...new Set(rooms.map((room) => checkTarget(room, rules)))];
}
