import { hasReplay } from '../../protocol/input/replay-option.js';
import { SseError } from '../../protocol/sse-error.js';
import {
  SSE_INTERCEPTOR_METADATA,
  SSE_ROOM_CHANGES_METADATA,
  SSE_ROOM_METADATA,
} from '../../sse.constants.js';
import { declaringClass, dropHiddenResponse, hidesResponse, routeArguments } from './hidden-response.js';
import { INTERCEPTORS, PATH, REDIRECT, RENDER_TEMPLATE } from './nest-metadata.js';
import type { SseRoomMetadata } from './room-metadata.js';
import { clientOfContext } from '../client-argument.js';
import type { RoomPolicy } from '../../rooms/room-policy.js';
import { isWrapped } from './wrap-handler.js';

/** A method of a controller. */
export interface RouteMethod {
  readonly controller: object;
  readonly key: string;
  readonly handler: object;
  /** Name for messages: `OrdersController.events()`. */
  readonly label: string;
}

/** Returns whether a method of any class has `@SseRoomChanges`. */
export function hasRoomChanges(handler: unknown): boolean {
  return typeof handler === 'function' && Reflect.hasMetadata(SSE_ROOM_CHANGES_METADATA, handler);
}

/** Interceptors of a method or a controller: classes and instances. */
export function interceptorsOf(target: object): readonly unknown[] {
  return (Reflect.getMetadata(INTERCEPTORS, target) ?? []) as readonly unknown[];
}

/** Returns `true` if the handler has the interceptor that `@SseRoom` installs. */
export function hasStreamInterceptor(target: object): boolean {
  return interceptorsOf(target).some(isStreamInterceptor);
}

export function isStreamInterceptor(interceptor: unknown): boolean {
  return typeof interceptor === 'function' && Reflect.hasMetadata(SSE_INTERCEPTOR_METADATA, interceptor);
}

/**
 * Checks a route whose response is hidden from Nest: without the interceptor of `@SseRoom` it would never be answered.
 * An override without `@SseRoom` is a plain route, which must not inherit the hidden response.
 *
 * @throws SseError `broken-route`
 */
export function checkHiddenResponse({ controller, key, handler, label }: RouteMethod): void {
  const owner = hidesResponse(controller, key);
  if (owner === undefined || hasStreamInterceptor(handler)) return;
  const declaring = declaringClass((controller as { prototype: object }).prototype, key);
  if (!isWrapped(handler) && owner !== declaring) return dropHiddenResponse(controller, key, declaring);
  throw new SseError(
    'broken-route',
    `Another decorator has replaced ${label} after @SseRoom() without its metadata, so its requests would never be answered. Write that decorator below @SseRoom(), or let it copy the metadata of the method and write the descriptor back.`,
  );
}

/**
 * Checks a route for decorators that would have no effect without `@SseRoom`.
 *
 * @throws SseError `not-a-route`
 */
export function checkPlainRoute({ controller, key, handler, label }: RouteMethod): void {
  if (!Reflect.hasMetadata(PATH, handler) || Reflect.hasMetadata(SSE_ROOM_METADATA, handler)) return;
  if (hasStreamInterceptor(handler) || hasStreamInterceptor(controller)) {
    throw new SseError(
      'not-a-route',
      `SseInterceptor on ${label} has no effect without @SseRoom(), and the result of the method would be lost. Use @SseRoom(), which installs it.`,
    );
  }
  if (takesClient(controller, key)) {
    throw new SseError(
      'not-a-route',
      `@ConnectedClient() on ${label} is always undefined, as the method has no @SseRoom(). Add it.`,
    );
  }
}

/** An override inherits the arguments of the method, which it need not declare. */
function takesClient(controller: object, key: string): boolean {
  const inherited = Object.values(routeArguments(Object.getPrototypeOf(controller) as object, key));
  return Object.values(routeArguments(controller, key)).some(
    (entry) => entry.factory === clientOfContext && !inherited.includes(entry),
  );
}

/**
 * Checks a stream for decorators that make Nest answer the request too.
 *
 * @throws SseError `not-a-route`
 */
export function checkStreamRoute({ handler, label }: RouteMethod): void {
  for (const [metadata, name] of [
    [REDIRECT, '@Redirect()'],
    [RENDER_TEMPLATE, '@Render()'],
  ] as const) {
    if (!Reflect.hasMetadata(metadata, handler)) continue;
    throw new SseError(
      'not-a-route',
      `${label} has @SseRoom() and ${name}, which answer the same request. Remove one of them.`,
    );
  }
}

/**
 * Checks that the options `replay` and `snapshot` of a stream can have an effect.
 *
 * @throws SseError `invalid-options`
 */
export function checkFirstEvents(
  { sources, replay, snapshot }: SseRoomMetadata,
  label: string,
  policy: Pick<RoomPolicy, 'hasHistory' | 'limitsOf'>,
): void {
  if (snapshot !== undefined && sources.length === 0) {
    throw new SseError(
      'invalid-options',
      `The option "snapshot" of @SseRoom() on ${label} needs a room, whose events continue the state. Name one.`,
    );
  }
  if (!hasReplay(replay)) return;
  if (snapshot !== undefined) {
    throw new SseError(
      'invalid-options',
      `@SseRoom() on ${label} has the options "snapshot" and "replay", but a stream begins with the state or with events. Take one away.`,
    );
  }
  const isWithoutHistory = (name: unknown): boolean =>
    typeof name === 'string' && !name.includes(':') && policy.limitsOf(name) === false;
  // A handler may join other rooms before the stream opens, where the decorator names none.
  const names = sources.flat();
  if (policy.hasHistory && (names.length === 0 || !names.every(isWithoutHistory))) return;
  throw new SseError(
    'invalid-options',
    `The option "replay" of @SseRoom() on ${label} has no effect, as its rooms have no history. Take it away.`,
  );
}

/**
 * Checks a class whose methods are not routes.
 *
 * @throws SseError `not-a-route`
 */
export function checkProvider(
  provider: { readonly name: string; readonly prototype: object },
  methods: readonly string[],
): void {
  const handlers = provider.prototype as Record<string, unknown>;
  const changes = methods.find((name) => hasRoomChanges(handlers[name]));
  if (changes !== undefined) {
    throw new SseError(
      'not-a-route',
      `@SseRoomChanges() on ${provider.name}.${changes}() has no effect, as ${provider.name} is a provider. Move it to a controller.`,
    );
  }
  const key = methods.find((name) => isWrapped(handlers[name]));
  if (key === undefined && !Reflect.hasOwnMetadata(SSE_ROOM_METADATA, provider)) return;
  const label = key === undefined ? provider.name : `${provider.name}.${key}()`;
  throw new SseError(
    'not-a-route',
    `@SseRoom() on ${label} has no effect, as ${provider.name} is a provider. Move it to a controller.`,
  );
}

/**
 * Checks a controller that has no stream.
 *
 * @throws SseError `not-a-route`
 */
export function checkControllerWithoutStreams(controller: object & { readonly name: string }): void {
  if (!Reflect.hasOwnMetadata(SSE_ROOM_METADATA, controller)) return;
  throw new SseError(
    'not-a-route',
    `@SseRoom() on the controller ${controller.name} has no effect, as none of its methods has @SseRoom(). Add it to the methods that are streams.`,
  );
}
