import { isLossNotice } from './loss-notice.js';
import type { PublishOptions } from '../../broker.interface.js';
import { checkEventName } from '../../../protocol/input/event-fields.js';
import type { EarlierCopy } from '../../../protocol/position.js';
import { parsePresenceEvent } from '../../../protocol/presence-event.js';
import type { RoomEvent } from '../../../protocol/room-message.js';
import { boundedTrace } from '../../../protocol/trace-context.js';

/** A decoded event with its publish options. Streams and channels hold it in the same text format. */
export interface StoredEvent extends RoomEvent {
  readonly except: readonly string[] | undefined;
  readonly volatile: boolean;
  readonly copies: readonly EarlierCopy[] | undefined;
  readonly trace: Readonly<Record<string, string>> | undefined;
}

/**
 * Metadata in front of the data, with short keys: `n` name, `s` serialized, `x` except, `v` volatile, `c` earlier
 * copies, `t` trace context.
 */
interface EventHeader {
  readonly n?: string | undefined;
  readonly s?: 1 | undefined;
  readonly x?: readonly string[] | undefined;
  readonly v?: 1 | undefined;
  readonly c?: readonly EarlierCopy[] | undefined;
  readonly t?: unknown;
}

/**
 * Encodes an event as a header line and its data. The data is not quoted, which would add about a third to its size.
 *
 * @returns a line of JSON, empty without metadata, a line break and the data
 */
export function encodeEventText(
  event: RoomEvent,
  { except, volatile, copies, trace }: PublishOptions,
): string {
  const header: EventHeader = {
    n: event.event,
    s: event.serialized ? 1 : undefined,
    x: except?.length === 0 ? undefined : except,
    v: volatile === true ? 1 : undefined,
    c: copies,
    t: trace,
  };
  const line = JSON.stringify(header);
  return `${line === '{}' ? '' : line}\n${event.data}`;
}

/**
 * Decodes an event and validates it as strictly as an event of the application.
 *
 * @param presenceRoom the room whose joins and leaves are accepted. Default: none, as history has no presence events
 * @returns `undefined` for malformed text, which any user with access to Redis could write
 */
export function decodeEventText(text: string, presenceRoom?: string): StoredEvent | undefined {
  const end = text.indexOf('\n');
  const header = end > 0 ? parseHeader(text.slice(0, end)) : {};
  if (end < 0 || header === undefined) return undefined;
  const event: StoredEvent = {
    event: header.n,
    data: text.slice(end + 1),
    serialized: header.s === 1,
    except: header.x,
    volatile: header.v === 1,
    copies: header.c,
    trace: header.t === undefined ? undefined : boundedTrace(header.t),
  };
  const isAccepted = isEventName(event.event) || isLossNotice(event) || isPresenceEvent(event, presenceRoom);
  return isAccepted ? event : undefined;
}

function parseHeader(line: string): EventHeader | undefined {
  try {
    const header: unknown = JSON.parse(line);
    return isHeader(header) ? header : undefined;
  } catch {
    return undefined;
  }
}

function isHeader(value: unknown): value is EventHeader {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { n, s, x, v, c } = value as Record<keyof EventHeader, unknown>;
  return (
    (n === undefined || typeof n === 'string') &&
    (s === undefined || s === 1) &&
    (x === undefined || isListOf(x, isText)) &&
    (v === undefined || v === 1) &&
    (c === undefined || isListOf(c, isEarlierCopy))
  );
}

function isEarlierCopy(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { partition, position, rooms } = value as Record<keyof EarlierCopy, unknown>;
  return isCount(partition) && isCount(position) && isListOf(rooms, isText);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isEventName(name: string | undefined): boolean {
  try {
    return checkEventName(name) === name;
  } catch {
    return false;
  }
}

function isPresenceEvent(event: RoomEvent, room: string | undefined): boolean {
  return room !== undefined && parsePresenceEvent(event)?.room === room;
}
