import { checkRoom, EVERYONE, type RoomName } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';

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

const PARAMETER = /:([A-Za-z_]\w*)/g;

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
 * @throws SseError `invalid-room`, `unknown-route-parameter`
 */
export async function roomsOfRequest(
  sources: readonly RoomSource<never>[],
  request: { readonly params?: unknown },
): Promise<string[]> {
  const names = new Set<string>();
  for (const source of sources) {
    const rooms = typeof source === 'function' ? await source(request as never) : source;
    for (const room of Array.isArray(rooms) ? (rooms as readonly RoomName[]) : [rooms as RoomName]) {
      if (room === undefined) throw missingRoom();
      const name = checkRoom(typeof source === 'function' ? room : fill(room, request.params));
      if (name === EVERYONE) {
        throw new SseError('invalid-room', `Every client is in "${EVERYONE}" already; it cannot be joined.`);
      }
      checkParts(name);
      names.add(name);
    }
  }
  return [...names];
}

function fill(template: RoomName, params: unknown): RoomName {
  if (typeof template !== 'string' || !template.includes(':')) return template;
  const values = (params ?? {}) as Readonly<Record<string, unknown>>;
  return template.replace(PARAMETER, (_, key: string) => {
    const value = values[key];
    // A slash, sent as %2F, would let `orders/:id` join rooms of other routes.
    if (typeof value === 'string' && value !== '' && !value.includes('/')) return value;
    if (typeof value === 'number') return String(value);
    throw new SseError(
      'unknown-route-parameter',
      `The room "${template}" needs the route parameter "${key}", which this request does not have, or has with a slash in it.`,
    );
  });
}

/** Parts of a name that come from a value that is missing, as in `user/undefined`. */
const EMPTY_PART = /(?:^|[/:.])(?:undefined|null|NaN|\[object Object\])(?:$|[/:.])/;

function checkParts(name: string): void {
  if (!EMPTY_PART.test(name)) return;
  throw new SseError(
    'invalid-room',
    `A part of the room "${name}" has no value, so strangers would share it. Check the value, as with a guard, before it becomes a room.`,
  );
}

function missingRoom(): SseError {
  return new SseError(
    'missing-room',
    'A room function of @SseRoom() returned undefined. Return a name, or [] for no room.',
  );
}
