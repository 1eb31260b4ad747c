import { describeValue } from '../error-text.js';
import { SseError } from '../sse-error.js';
import { unsafeTextReason } from './unsafe-text.js';

/** The room of all clients. No client can join or leave it. */
export const EVERYONE = '*';

const MAX_ROOM_LENGTH = 255;

/** A room's name as an argument. A number means its decimal string; `0` is a valid room. */
export type RoomName = string | number;

/**
 * Validates a room's name: 1 to 255 characters, none of them a control character or `*`.
 *
 * @returns the name; `'*'` is valid
 * @throws SseError `invalid-room`
 */
export function checkRoom(room: unknown): string {
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
  if (name.includes(EVERYONE) && name !== EVERYONE) {
    throw new SseError(
      'invalid-room',
      `The room ${describeValue(name)} contains "*", which is a pattern only in the option "rooms" of SseModule. Name each room.`,
    );
  }
  return name;
}

/** Converts a finite number to its decimal string, and returns any other value unchanged. */
export function asText(room: unknown): unknown {
  return typeof room === 'number' && Number.isFinite(room) ? String(room) : room;
}

/** Validates a room or a list of rooms. @returns each name once, in the given order */
export function checkRooms(rooms: RoomName | readonly RoomName[]): string[] {
  if (!Array.isArray(rooms)) return [checkRoom(rooms)];
  return [...new Set(rooms.map(checkRoom))];
}
