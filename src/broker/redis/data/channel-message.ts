import type { Position } from '../../../protocol/position.js';
import { NAMES_OF_OTHER_NODES, checkRoom, isInternalRoom } from '../../../protocol/input/room-name.js';

/** A message received on a channel. The event stays encoded, so that a duplicate is dropped without decoding it. */
export interface ChannelMessage {
  readonly epoch: string;
  /** 0 for an event that is not stored in history; such an event has no place in the order of positions. */
  readonly position: Position;
  readonly rooms: readonly string[];
  /** For each room, the position of the event before this one; 0 for the first event and for rooms without history. */
  readonly previous: readonly Position[];
  readonly eventText: string;
}

/** A sync marker of this node: every event published up to `position` has been received before it. */
export interface SyncMarker {
  readonly epoch: string;
  readonly position: Position;
  readonly number: number;
}

/** Encodes the message of an event that is not stored in history, in the format of `parseChannelMessage`. */
export function ephemeralMessage(rooms: string, eventText: string): string {
  return `- 0  ${rooms}\n${eventText}`;
}

/** @returns the rooms as JSON, or an empty text for a single room, which the channel's name contains */
export function roomsText(rooms: readonly string[]): string {
  return rooms.length === 1 ? '' : JSON.stringify(rooms);
}

/**
 * Parses `<epoch> <position> <previous,…> <rooms as JSON>`, a line break and the event. Example for one room:
 * `0000abcd 1764000000000002 1764000000000001 \n\n{"n":1}`.
 *
 * @param room the channel's room; `undefined` for the channel of events for several rooms
 * @returns `undefined` for malformed text, which any user with access to Redis could publish
 */
export function parseChannelMessage(room: string | undefined, text: string): ChannelMessage | undefined {
  const [line, epoch, digits, previousDigits = '', names = ''] =
    /^(-|[0-9a-f]{8}) (\d{1,16}) ((?:\d{1,16}(?:,\d{1,16})*)?) ([^\n]*)\n/.exec(text) ?? [];
  if (line === undefined || epoch === undefined) return undefined;
  const position = Number(digits);
  const previous = previousDigits === '' ? [] : previousDigits.split(',').map(Number);
  const rooms = room === undefined ? parseRooms(names) : names === '' ? [room] : undefined;
  if (rooms === undefined || !Number.isSafeInteger(position) || (epoch === '-' && position !== 0)) {
    return undefined;
  }
  if (previous.length > rooms.length || previous.some((before) => before >= position)) return undefined;
  return {
    epoch,
    position,
    rooms,
    previous: rooms.map((_, index) => previous[index] ?? 0),
    eventText: text.slice(line.length),
  };
}

/** Parses `<epoch> <position> <number>`; `undefined` for malformed text. */
export function parseSyncMarker(text: string): SyncMarker | undefined {
  const [, epoch, position, number] = /^([0-9a-f]{8}) (\d{1,16}) (\d{1,16})$/.exec(text) ?? [];
  if (epoch === undefined) return undefined;
  const marker = { epoch, position: Number(position), number: Number(number) };
  return Number.isSafeInteger(marker.position) && Number.isSafeInteger(marker.number) ? marker : undefined;
}

/** @returns `undefined` for text that is not a JSON array of distinct room names, at least one */
export function parseRooms(json: string): string[] | undefined {
  try {
    const rooms: unknown = JSON.parse(json);
    if (!Array.isArray(rooms) || rooms.length === 0 || new Set(rooms).size < rooms.length) return undefined;
    return rooms.every(isRoom) ? (rooms as string[]) : undefined;
  } catch {
    return undefined;
  }
}

function isRoom(name: unknown): boolean {
  if (typeof name === 'string' && isInternalRoom(name)) return true;
  return checkRoom(name, NAMES_OF_OTHER_NODES) === name;
}
