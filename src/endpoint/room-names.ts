import { checkTarget, EVERYONE, type RoomName, type RoomNameRules } from '../protocol/input/room-name.js';
import {
  ambiguousPart,
  bracesIn,
  exampleOf,
  fillTemplate,
  PARAMETER,
} from '../protocol/input/room-template.js';
import { SseError } from '../protocol/sse-error.js';
import { isThenable } from '../protocol/thenable.js';

/**
 * The part of a request that Express and Fastify share. Name the platform's own type to use the rest:
 *
 * ```ts
 * @SseRoom((request: FastifyRequest) => `ip:${request.ip}`)
 * ```
 */
export interface RoutedRequest {
  readonly params: Readonly<Record<string, string>>;
  /** Untrusted input, which may contain lists and objects too. An invalid room name is answered with 400. */
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * Returns the rooms of a request; `[]` for none. An exception becomes the answer to the request, for example a
 * `ForbiddenException` status 403.
 */
export type RoomsOfRequest<Request = RoutedRequest> = (
  request: Request,
) => RoomName | readonly RoomName[] | Promise<RoomName | readonly RoomName[]>;

/** Rooms of `@SseRoom`: names that may contain parameters of the route (`orders/:id`), or a function of the request. */
export type RoomSource<Request = RoutedRequest> = RoomName | readonly RoomName[] | RoomsOfRequest<Request>;

/** Names of the route parameters that the names of a source contain. */
export function parametersOf(source: RoomSource<never>): string[] {
  if (typeof source === 'function') return [];
  return [source]
    .flat()
    .flatMap((name) => Array.from(String(name).matchAll(PARAMETER), ([, key]) => key as string));
}

/**
 * Computes the rooms of one request, without duplicates.
 *
 * @returns a promise only where a function of the application returns one
 * @throws SseError `invalid-room`, `unknown-route-parameter`; or the promise rejects
 */
export function roomsOfRequest(
  sources: readonly RoomSource<never>[],
  request: { readonly params?: unknown },
  rules?: RoomNameRules,
  names = new Set<string>(),
): string[] | Promise<string[]> {
  for (const [index, source] of sources.entries()) {
    const rooms: unknown = typeof source === 'function' ? source(request as never) : source;
    const add = (resolved: unknown): void => {
      for (const room of Array.isArray(resolved) ? (resolved as readonly RoomName[]) : [resolved as RoomName])
        addTo(names, room, typeof source === 'function' ? undefined : request, rules);
    };
    if (isThenable(rooms)) {
      return Promise.resolve(rooms).then((resolved) => {
        add(resolved);
        return roomsOfRequest(sources.slice(index + 1), request, rules, names);
      });
    }
    add(rooms);
  }
  return [...names];
}

/** @param request fills the parameters of a template; `undefined` for a name that a function has returned */
function addTo(
  names: Set<string>,
  room: RoomName | null | undefined,
  request: { readonly params?: unknown } | undefined,
  rules: RoomNameRules | undefined,
): void {
  if (room === undefined || room === null) throw missingRoom(room);
  names.add(joinable(checkTarget(request === undefined ? room : fill(room, request.params), rules)));
}

function joinable(name: string): string {
  if (name !== EVERYONE) return name;
  throw new SseError('invalid-room', `Every client is in "${EVERYONE}" already; it cannot be joined.`);
}

/** Inserts the parameters of a request into a template. */
function fill(template: RoomName, params: unknown): RoomName {
  if (typeof template !== 'string' || !template.includes(':')) return template;
  return fillTemplate(
    template,
    (params ?? {}) as Readonly<Record<string, unknown>>,
    (key, characters) =>
      new SseError(
        'unknown-route-parameter',
        `The room "${template}" needs the route parameter "${key}", which this request does not have, or has with ${characters} in it.`,
      ),
  );
}

function missingRoom(room: null | undefined): SseError {
  return new SseError(
    'missing-room',
    `A room function of @SseRoom() returned ${room}. Return a name, or [] for no room.`,
  );
}

/**
 * Validates the names of a source when the application starts, with a value for each parameter.
 *
 * @param label the method, for the message
 * @throws SseError `invalid-room`
 */
export function checkTemplates(source: RoomSource<never>, label: string, rules?: RoomNameRules): void {
  if (typeof source === 'function') return;
  for (const template of [source].flat()) {
    const braces = typeof template === 'string' ? bracesIn(template) : undefined;
    if (braces !== undefined) {
      throw new SseError(
        'invalid-room',
        `The room "${template}" of ${label} contains "${braces}", which is no parameter, so that it would be one room for everybody. Write a parameter of the route as ":id", or use a function of the request.`,
      );
    }
    const ambiguous = typeof template === 'string' ? ambiguousPart(template) : undefined;
    if (ambiguous !== undefined) {
      throw new SseError(
        'invalid-room',
        `The room "${template}" of ${label} contains "${ambiguous}", so that different parameters would result in one room. Write a separator between them, such as "/".`,
      );
    }
    try {
      const example = typeof template === 'string' ? exampleOf(template) : template;
      joinable(checkTarget(example, rules));
    } catch (error) {
      throw new SseError('invalid-room', `${label} cannot join its room. ${(error as SseError).message}`);
    }
  }
}
