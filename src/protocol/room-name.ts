import { describe } from './event-fields.js';
import { SseError } from './sse-error.js';
import { unsafeTextReason } from './unsafe-text.js';

/** Everyone: a room that each client is in and none can join or leave. */
export const EVERYONE = '*';

const MAX_ROOM_LENGTH = 255;

/**
 * A room as callers may write it. Numbers stand for their decimal string: room `0` is a room like any other.
 */
export type RoomName = string | number;

/**
 * @returns the room's name; `'*'` passes
 * @throws SseError `invalid-room`
 */
export function checkRoom(room: unknown): string {
  const name = asText(room);
  if (typeof name !== 'string' || name === '') {
    throw new SseError(
      'invalid-room',
      `A room is a string that is not empty, or a number, not ${describe(room)}.`,
    );
  }
  if (name.length > MAX_ROOM_LENGTH) {
    throw new SseError(
      'invalid-room',
      `The room ${describe(name)} is longer than ${MAX_ROOM_LENGTH} characters.`,
    );
  }
  const unsafe = unsafeTextReason(name);
  if (unsafe !== undefined) {
    throw new SseError('invalid-room', `The room ${describe(name)} contains ${unsafe}. Remove it.`);
  }
  return name;
}

/** A number as its decimal string; what is no room stays what it is. */
export function asText(room: unknown): unknown {
  return typeof room === 'number' && Number.isFinite(room) ? String(room) : room;
}

/** @returns the names of a room or a list of rooms, each once, in the order given */
export function checkRooms(rooms: RoomName | readonly RoomName[]): string[] {
  if (!Array.isArray(rooms)) return [checkRoom(rooms)];
  return [...new Set(rooms.map(checkRoom))];
}
