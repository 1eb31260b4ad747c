import { HttpStatus } from '@nestjs/common';
import { didYouMean } from '../protocol/did-you-mean.js';
import { describeValue } from '../protocol/error-text.js';
import { checkTarget, type RoomNameRules } from '../protocol/input/room-name.js';
import { checkEventName } from '../protocol/input/event-fields.js';
import { BROADCAST_CHECKS } from '../rooms/publish/call-arguments.js';
import { invalidEvent, refusal } from './publish-failure.js';

/** The arguments of `broadcast` in one event of a request. */
export interface RequestedEvent {
  readonly rooms: readonly string[];
  readonly event: string | undefined;
  readonly data: unknown;
  readonly options: Readonly<Record<string, unknown>>;
  /** Path of the event in the body: empty, or such as `events[2].`. */
  readonly path: string;
}

/** Limits of one request; `false` for none. */
interface BodyLimits {
  readonly maxBatch: number | false;
  readonly maxRooms: number | false;
}

const OPTIONS = ['except', 'volatile', 'idempotencyKey', 'acknowledge'] as const;
const FIELDS = ['rooms', 'event', 'data', ...OPTIONS];

/**
 * Parses a body: one event, or `{ events: [...] }`.
 *
 * @throws HttpException 400 that names the field; 413 for more events or rooms than the limits allow
 */
export function parseBody(
  body: unknown,
  { maxBatch, maxRooms }: BodyLimits,
  rules: RoomNameRules,
): { readonly isBatch: boolean; readonly events: readonly RequestedEvent[] } {
  const fields = objectOf(body, '');
  if (!Object.hasOwn(fields, 'events')) {
    checkRooms([fields], maxRooms, 'rooms');
    return { isBatch: false, events: [parseEvent(fields, '', rules)] };
  }
  refuseOthers(fields, '', ['events']);
  const { events } = fields;
  if (!Array.isArray(events) || events.length === 0) {
    throw wrong('events', `is a list of one or more events, not ${describeValue(events)}`);
  }
  if (maxBatch !== false && events.length > maxBatch) {
    throw refusal(
      HttpStatus.PAYLOAD_TOO_LARGE,
      'batch-too-large',
      `A request has at most ${maxBatch} events, not ${events.length}. Send several requests.`,
      'events',
    );
  }
  checkRooms(events, maxRooms, 'events');
  return {
    isBatch: true,
    events: events.map((event, index) =>
      parseEvent(objectOf(event, `events[${index}]`), `events[${index}].`, rules),
    ),
  };
}

/** Counts the rooms before any of them is looked at. A room of several events counts for each. */
function checkRooms(events: readonly unknown[], maxRooms: number | false, field: string): void {
  const count = events.reduce<number>((sum, event) => sum + roomsIn(event), 0);
  if (maxRooms === false || count <= maxRooms) return;
  throw refusal(
    HttpStatus.PAYLOAD_TOO_LARGE,
    'rooms-too-many',
    `A request has at most ${maxRooms} rooms over all of its events, not ${count}. Send several requests, or raise "maxRooms" of SseHttpApiModule.`,
    field,
  );
}

function roomsIn(event: unknown): number {
  const rooms = (event as { readonly rooms?: unknown } | null)?.rooms;
  return Array.isArray(rooms) ? rooms.length : 1;
}

function parseEvent(
  fields: Readonly<Record<string, unknown>>,
  path: string,
  rules: RoomNameRules,
): RequestedEvent {
  refuseOthers(fields, path, FIELDS);
  for (const name of ['rooms', 'data']) {
    if (!Object.hasOwn(fields, name)) throw wrong(`${path}${name}`, 'is missing');
  }
  const { event, data } = fields;
  const rooms = parseRooms(fields['rooms'], `${path}rooms`, rules);
  const options: Record<string, unknown> = {};
  for (const name of OPTIONS) {
    const value = fields[name];
    if (value === undefined) continue;
    const expected = BROADCAST_CHECKS[name](value);
    if (expected !== undefined) throw wrong(`${path}${name}`, `is ${expected}, not ${describeValue(value)}`);
    options[name] = value;
  }
  return {
    rooms,
    event: checked(`${path}event`, () => checkEventName(event)),
    data,
    options,
    path,
  };
}

function parseRooms(value: unknown, path: string, rules: RoomNameRules): string[] {
  if (!Array.isArray(value)) return [checked(path, () => checkTarget(value, rules))];
  if (value.length === 0) throw wrong(path, 'is empty. Name one or more rooms');
  const rooms = value.map((room: unknown, index) =>
    checked(`${path}[${index}]`, () => checkTarget(room, rules)),
  );
  return [...new Set(rooms)];
}

/** Runs a check of the package. Its error names the field. */
export function checked<T>(field: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw invalidEvent(error, field);
  }
}

function objectOf(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  const subject = field === '' ? 'The body' : `"${field}"`;
  throw refusal(
    HttpStatus.BAD_REQUEST,
    'invalid-body',
    `${subject} is a JSON object with rooms and data, not ${describeValue(value)}.${field === '' ? ' A batch is { "events": [...] }.' : ''}`,
    field === '' ? undefined : field,
  );
}

function refuseOthers(fields: object, path: string, known: readonly string[]): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const field = `${path}${unknown.slice(0, 80)}`;
  throw wrong(
    field,
    `is no field of ${path === '' ? 'the body' : 'an event'}.${didYouMean(unknown.slice(0, 80), known)}`,
  );
}

function wrong(field: string, reason: string): Error {
  const message = `${describeValue(field)} ${reason}`;
  return refusal(HttpStatus.BAD_REQUEST, 'invalid-body', message.replace(/[^.?]$/, '$&.'), field);
}
