import { checkRoom, EVERYONE, type RoomName } from '../protocol/room-name.js';
import { SseError } from '../protocol/sse-error.js';

/** A request as the platform's router left it. Write your platform's own type instead to see all of it. */
export interface RoutedRequest {
  readonly params: Readonly<Record<string, string>>;
  /** Anybody's input: may hold lists and objects too. What is no room's name is answered with 400. */
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Computes rooms from the request. `[]` joins none. What it throws is the request's answer. */
export type RoomsOfRequest<Request = RoutedRequest> = (
  request: Request,
) => RoomName | readonly RoomName[] | Promise<RoomName | readonly RoomName[]>;

/** Rooms as `@SseRoom` takes them: names that may hold `:param` of the route, or a function of the request. */
export type RoomSource<Request = RoutedRequest> = RoomName | readonly RoomName[] | RoomsOfRequest<Request>;

const PARAMETER = /:([A-Za-z_]\w*)/g;

/** The route parameters that a source's templates use. */
export function parametersOf(source: RoomSource<never>): string[] {
  if (typeof source === 'function') return [];
  return [source]
    .flat()
    .flatMap((name) => Array.from(String(name).matchAll(PARAMETER), ([, key]) => key as string));
}

/**
 * The rooms of one request, each once.
 *
 * @throws SseError `invalid-room`, `unknown-route-parameter`: the request asks for what is no room
 */
export async function roomsOfRequest(
  sources: readonly RoomSource<never>[],
  request: { readonly params?: unknown },
): Promise<string[]> {
  const names = new Set<string>();
  for (const source of sources) {
    const rooms = typeof source === 'function' ? await source(request as never) : source;
    for (const room of Array.isArray(rooms) ? (rooms as readonly RoomName[]) : [rooms as RoomName]) {
      const name = checkRoom(typeof source === 'function' ? room : fill(room, request.params));
      if (name === EVERYONE) {
        throw new SseError('invalid-room', `Every client is in "${EVERYONE}" already; it cannot be joined.`);
      }
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
    // A slash comes as %2F only: with it, `orders/:id` would reach rooms of other templates.
    if (typeof value === 'string' && value !== '' && !value.includes('/')) return value;
    if (typeof value === 'number') return String(value);
    throw new SseError(
      'unknown-route-parameter',
      `The room "${template}" needs the route parameter "${key}", which this request does not have, or has with a slash in it.`,
    );
  });
}
