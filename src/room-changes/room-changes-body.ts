import { BadRequestException } from '@nestjs/common';
import { didYouMean } from '../protocol/did-you-mean.js';
import { describeValue } from '../protocol/error-text.js';
import { isJson } from '../protocol/input/media-type.js';
import { EVERYONE, checkTarget, type RoomNameRules } from '../protocol/input/room-name.js';
import { SESSION_KEY_RULE, isSessionKey } from '../protocol/input/session-key.js';
import { SseError } from '../protocol/sse-error.js';

/** The part of a request of Express or Fastify that is read. */
export interface RoomChangesRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: unknown;
}

/** A checked body. */
export interface RequestedChanges {
  /** The stream whose rooms are changed, by the id of its client or the key of its session. */
  readonly stream: { readonly client: string } | { readonly session: string };
  readonly join: readonly string[];
  readonly leave: readonly string[];
}

const MEMBERS = ['client', 'session', 'join', 'leave'];
/** RFC 9562, 4. */
const CLIENT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Checks the body of a request: `{ client or session, join, leave }`, of which one of the lists may be left out.
 *
 * @throws BadRequestException
 */
export function parseRoomChanges(
  { headers, body }: RoomChangesRequest,
  maxRooms: number,
  rules: RoomNameRules & { readonly hasSessions: boolean },
): RequestedChanges {
  if (!isJson(headers)) throw wrong('Send JSON, with the header "Content-Type: application/json".');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw wrong(
      `The body is { "client" or "session", "join", "leave" } as JSON, not ${describeValue(body)}.`,
    );
  }
  const fields = body as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) {
    const name = unknown.slice(0, 80);
    throw wrong(`${describeValue(name)} is no member of the body.${didYouMean(name, MEMBERS)}`);
  }
  const stream = streamOf(fields, rules.hasSessions);
  const lists = { join: listOf(fields, 'join'), leave: listOf(fields, 'leave') };
  const count = lists.join.length + lists.leave.length;
  if (count === 0) throw wrong('Name a room in "join" or "leave".');
  if (count > maxRooms)
    throw wrong(`The body names ${count} rooms, over ${maxRooms}. Send several requests.`);
  const join = namesOf(lists.join, 'join', rules);
  const leave = namesOf(lists.leave, 'leave', rules);
  const both = join.find((room) => leave.includes(room));
  if (both !== undefined) throw wrong(`The room ${describeValue(both)} is in "join" and in "leave".`);
  return { stream, join, leave };
}

function streamOf(
  { client, session }: Readonly<Record<string, unknown>>,
  hasSessions: boolean,
): RequestedChanges['stream'] {
  if (session === undefined) {
    if (typeof client === 'string' && CLIENT_ID.test(client)) return { client };
    throw wrong('"client" is the id of a client, from the event sse:ready of its stream.');
  }
  if (client !== undefined) throw wrong('Name the stream by "client" or by "session", not by both.');
  if (!hasSessions) throw wrong('This server has no sessions. Name the stream by "client".');
  if (!isSessionKey(session)) throw wrong(SESSION_KEY_RULE);
  return { session };
}

function listOf(fields: Readonly<Record<string, unknown>>, field: string): readonly unknown[] {
  const list = fields[field] ?? [];
  if (Array.isArray(list)) return list;
  throw wrong(`"${field}" is a list of rooms, not ${describeValue(list)}.`);
}

/** @returns each name once, in the given order */
function namesOf(list: readonly unknown[], field: string, rules: RoomNameRules): string[] {
  const names = list.map((room, index) => {
    if (room === EVERYONE) throw wrong(`"${field}[${index}]" is "*", which is no room of one stream.`);
    try {
      return checkTarget(room, rules);
    } catch (error) {
      if (error instanceof SseError) throw wrong(`"${field}[${index}]": ${error.message}`);
      throw error;
    }
  });
  return [...new Set(names)];
}

function wrong(message: string): BadRequestException {
  return new BadRequestException(message);
}
