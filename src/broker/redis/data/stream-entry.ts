import type { Position } from '../../../protocol/position.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';
import { parseRooms } from './channel-message.js';
import { decodeEventText, type StoredEvent } from './event-codec.js';

/** An entry of a room's stream. */
export interface StreamEntry {
  readonly position: Position;
  /** Position of the previous event in the same room; 0 for the first. */
  readonly previous: Position;
  readonly event: StoredEvent;
  /** All rooms of an event for several rooms, if stored. */
  readonly allRooms: readonly string[] | undefined;
}

/**
 * Parses an entry as XRANGE returns it: the id `<position>-0`, and the names and values of the fields `p` (previous
 * position), `d` (event) and optionally `r` (all rooms as JSON).
 *
 * @param room the room of the stream
 * @returns `undefined` for a malformed entry, which any program with access to Redis could write
 */
export function parseStreamEntry(room: string, reply: RedisReply): StreamEntry | undefined {
  const [id, fields] = Array.isArray(reply) ? (reply as readonly RedisReply[]) : [];
  const [, digits] = /^(\d{1,16})-0$/.exec(typeof id === 'string' ? id : '') ?? [];
  if (digits === undefined || !isListOfTexts(fields)) return undefined;
  const [previousName, previousDigits = '', eventName, eventText = '', roomsName, roomsJson] = fields;
  if (previousName !== 'p' || eventName !== 'd' || !/^\d{1,16}$/.test(previousDigits)) return undefined;
  const position = Number(digits);
  const previous = Number(previousDigits);
  if (!Number.isSafeInteger(position) || previous >= position) return undefined;
  const allRooms = roomsName === 'r' ? parseRooms(roomsJson ?? '') : undefined;
  const hasValidRooms = roomsName === undefined || allRooms?.includes(room) === true;
  const event = hasValidRooms ? decodeEventText(eventText) : undefined;
  return event && { position, previous, event, allRooms };
}

function isListOfTexts(reply: RedisReply | undefined): reply is readonly string[] {
  return Array.isArray(reply) && reply.every((text) => typeof text === 'string');
}
