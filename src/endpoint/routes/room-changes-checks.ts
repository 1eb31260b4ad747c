import { RequestMethod } from '@nestjs/common';
import { SseError } from '../../protocol/sse-error.js';
import { SSE_ROOM_CHANGES_METADATA, SSE_ROOM_METADATA } from '../../sse.constants.js';
import { routeArguments } from './hidden-response.js';
import {
  METHOD,
  PATH,
  REDIRECT,
  RENDER_TEMPLATE,
  RESPONSE_ARGUMENT,
  RESPONSE_PASSTHROUGH,
  SSE,
} from './nest-metadata.js';
import { hasRoomChanges, type RouteMethod } from './route-checks.js';

/** The options of the module that name users. */
export interface UserOptions {
  readonly identify: unknown;
  /** True where clients may have a user, from `identify` or a ticket. */
  readonly hasUsers: boolean;
}

/**
 * Checks a method with `@SseRoomChanges`.
 *
 * @throws SseError `not-a-route`, `invalid-options`
 */
export function checkRoomChanges(
  { controller, key, handler, label }: RouteMethod,
  { identify, hasUsers }: UserOptions,
): void {
  if (!hasRoomChanges(handler)) return;
  const refuse = (reason: string): never => {
    throw new SseError('not-a-route', `@SseRoomChanges() on ${label} ${reason}`);
  };
  const has = (metadata: string): boolean => Reflect.hasMetadata(metadata, handler);
  if (has(SSE_ROOM_METADATA) || has(SSE))
    refuse(
      'is beside @SseRoom() or @Sse(), but one route cannot be a stream and change its rooms. Split it.',
    );
  if (!has(PATH)) refuse('needs a route: add @Post().');
  if (Reflect.getMetadata(METHOD, handler) !== RequestMethod.POST)
    refuse('needs a POST route, since the request has a body and an effect. Use @Post().');
  if (has(REDIRECT) || has(RENDER_TEMPLATE))
    refuse('is beside @Redirect() or @Render(), which answer the same request. Remove one of them.');
  const takesResponse = Object.keys(routeArguments(controller, key)).some((name) =>
    name.startsWith(`${RESPONSE_ARGUMENT}:`),
  );
  if (takesResponse && Reflect.getMetadata(RESPONSE_PASSTHROUGH, controller, key) !== true)
    refuse('takes its response, so that nobody would answer. Write @Res({ passthrough: true }).');
  const { user } = Reflect.getMetadata(SSE_ROOM_CHANGES_METADATA, handler) as { readonly user?: unknown };
  if (user === undefined && hasUsers && identify === undefined) {
    throw new SseError(
      'invalid-options',
      `@SseRoomChanges() on ${label} cannot know the user of a request: with the option "tickets" alone only streams have one. Set its option "user", or "identify" of SseModule.`,
    );
  }
  if (user !== undefined && !hasUsers) {
    throw new SseError(
      'invalid-options',
      `@SseRoomChanges() on ${label} has the option "user", but no stream has a user to compare with. Set "identify" or "tickets" of SseModule.`,
    );
  }
}
