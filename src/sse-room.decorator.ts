import { UseInterceptors } from '@nestjs/common';
import type { RoomSource, RoutedRequest } from './endpoint/room-names.js';
import { isWrapped, takeOver } from './endpoint/wrap-handler.js';
import { checkRetry } from './protocol/event-fields.js';
import { SseError } from './protocol/sse-error.js';
import { SSE_ROOM_METADATA } from './sse.constants.js';
import { SseInterceptor } from './sse.interceptor.js';

/** How one endpoint differs from the module's options. */
export interface SseRoomOptions {
  /**
   * Holds the headers until the first event, so that a source that fails late is still answered with its HTTP status.
   * Heartbeats begin when the stream opens. Default: `false`, the stream opens one turn after the handler returned.
   */
  readonly openOnFirstEvent?: boolean;
  /** Whether the stream ends with the handler's source. Default: only where the client is in no room. */
  readonly endOnComplete?: boolean;
  /** The reconnection time in milliseconds; `false` sends none. Default: the module's `retryMs`. */
  readonly retryMs?: number | false;
}

/** What the decorators of one method or controller add up to. */
export interface SseRoomMetadata extends SseRoomOptions {
  readonly sources: readonly RoomSource<never>[];
}

/**
 * Makes a route a Server-Sent Events stream whose clients join rooms. Above or below `@Get`, `@Post` or any other route
 * decorator, and repeatable. On a controller: rooms that every `@SseRoom` method of it joins too.
 *
 * ```ts
 * @Get(':id/events')
 * @SseRoom('orders/:id')
 * events(@Param('id', ParseIntPipe) id: number, @ConnectedClient() client: SseClient) {
 *   return this.orders.progress$(id);
 * }
 * ```
 *
 * Guards, pipes and the handler decide before anything is sent: their failures are real HTTP statuses. The handler
 * returns nothing, an Observable, an AsyncIterable (pulled as the client reads), or a promise of one.
 *
 * @param room a name that may hold `:param` of the route, a list of them, or a function of the request; none makes a
 * plain stream. A request whose rooms come out empty or invalid is answered with 400; `[]` joins none.
 */
export function SseRoom<Request = RoutedRequest>(
  room?: RoomSource<Request>,
  options?: SseRoomOptions,
): MethodDecorator & ClassDecorator;
export function SseRoom(options: SseRoomOptions): MethodDecorator & ClassDecorator;
export function SseRoom(
  room?: RoomSource<never> | SseRoomOptions,
  options: SseRoomOptions = {},
): MethodDecorator & ClassDecorator {
  const { retryMs } = isOptions(room) ? room : options;
  if (retryMs !== undefined && retryMs !== false) checkRetry(retryMs);
  const given = isOptions(room)
    ? { sources: [], ...room }
    : { sources: room === undefined ? [] : [room], ...options };
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (key === undefined || descriptor === undefined) {
      Reflect.defineMetadata(SSE_ROOM_METADATA, merge(target, given), target);
      return;
    }
    if (typeof descriptor.value !== 'function') {
      throw new SseError(
        'not-a-route',
        `@SseRoom() stands on methods and controllers, which ${String(key)} is not.`,
      );
    }
    if (!isWrapped(descriptor.value)) {
      takeOver(target, key, descriptor);
      UseInterceptors(SseInterceptor)(target, key, descriptor);
    }
    const handler = descriptor.value as object;
    Reflect.defineMetadata(SSE_ROOM_METADATA, merge(handler, given), handler);
  };
}

// Decorators run from the bottom up: what is written first comes first.
function merge(target: object, given: SseRoomMetadata): SseRoomMetadata {
  const earlier = Reflect.getOwnMetadata(SSE_ROOM_METADATA, target) as SseRoomMetadata | undefined;
  return { ...earlier, ...given, sources: [...given.sources, ...(earlier?.sources ?? [])] };
}

function isOptions(room: RoomSource<never> | SseRoomOptions | undefined): room is SseRoomOptions {
  return typeof room === 'object' && !Array.isArray(room);
}
