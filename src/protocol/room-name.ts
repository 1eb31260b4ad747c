import { describeValue } from './error-text.js';
import { SseError } from './sse-error.js';

/** Everyone: a room that each client is in and none can join or leave. */
export const EVERYONE = '*';

const MAX_ROOM_LENGTH = 255;
// Control characters would forge lines in logs and keys.
// oxlint-disable-next-line no-control-regex -- that is what is looked for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

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
      `A room is a string that is not empty, or a number, not ${describeValue(room)}.`,
    );
  }
  if (name.length > MAX_ROOM_LENGTH || CONTROL_CHARACTER.test(name)) {
    throw new SseError(
      'invalid-room',
      `The room ${describeValue(name)} is longer than ${MAX_ROOM_LENGTH} characters or contains a control character.`,
    );
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
