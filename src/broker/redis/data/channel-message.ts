import type { Position } from '../../../protocol/position.js';

/** What a node hears on a channel, with the event still as text: most of what is heard twice is never decoded. */
export interface ChannelMessage {
  readonly epoch: string;
  /** 0 for an event that is not remembered: it has no place in the order. */
  readonly position: Position;
  readonly rooms: readonly string[];
  /** The position before this one in each of the rooms; 0 for the first, and in rooms that are not remembered. */
  readonly previous: readonly Position[];
  readonly eventText: string;
}

/** The node's own mark: all that was published up to the position has been heard. */
export interface SyncMarker {
  readonly epoch: string;
  readonly position: Position;
  readonly number: number;
}

/** The message of an event that is not remembered, as the publish script writes it. */
export function ephemeralMessage(rooms: string, eventText: string): string {
  return `- 0  ${rooms}\n${eventText}`;
}

/** @returns the rooms as a message names them: not at all where the channel does */
export function roomsText(rooms: readonly string[]): string {
  return rooms.length === 1 ? '' : JSON.stringify(rooms);
}

/**
 * Reads `<epoch> <position> <previous,…> <rooms as JSON>`, a line break, and the event.
 *
 * @param room the channel's room; `undefined` for the channel of several rooms
 * @returns `undefined` for what is no such message: anybody with access to Redis may publish there
 */
export function parseChannelMessage(room: string | undefined, text: string): ChannelMessage | undefined {
  const [line, epoch, position, previous = '', names = ''] =
    /^(-|[0-9a-f]{8}) (\d{1,16}) ([\d,]*) ([^\n]*)\n/.exec(text) ?? [];
  if (line === undefined || epoch === undefined) return undefined;
  const rooms = room === undefined ? parseRooms(names) : [room];
  if (rooms === undefined) return undefined;
  const positions = previous === '' ? [] : previous.split(',').map(Number);
  return {
    epoch,
    position: Number(position),
    rooms,
    previous: rooms.map((_, index) => positions[index] ?? 0),
    eventText: text.slice(line.length),
  };
}

/** Reads `<epoch> <position> <number>`. */
export function parseSyncMarker(text: string): SyncMarker | undefined {
  const [, epoch, position, number] = /^([0-9a-f]{8}) (\d{1,16}) (\d+)$/.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, position: Number(position), number: Number(number) };
}

/** @returns `undefined` for what is no list of names */
export function parseRooms(json: string): string[] | undefined {
  try {
    const rooms: unknown = JSON.parse(json);
    return Array.isArray(rooms) && rooms.every((name) => typeof name === 'string') ? rooms : undefined;
  } catch {
    return undefined;
  }
}
