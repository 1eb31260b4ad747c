import { UseInterceptors } from '@nestjs/common';
import { addRoomMetadata, checkRoomOptions, type SseRoomOptions } from './endpoint/routes/room-metadata.js';
import type { RoomSource, RoutedRequest } from './endpoint/room-names.js';
import { isWrapped, wrapHandler } from './endpoint/routes/wrap-handler.js';
import { checkRetryTime } from './protocol/input/retry-time.js';
import { SseError } from './protocol/sse-error.js';
import { SseInterceptor } from './sse.interceptor.js';

/**
 * Makes a route a Server-Sent Events stream (HTML standard, 9.2) whose clients join rooms. Its place above or below
 * `@Get`, `@Post` or another route decorator does not matter, and it may be repeated. On a controller it adds rooms to
 * each `@SseRoom` method.
 *
 * ```ts
 * @Get(':id/events')
 * @SseRoom('orders/:id')
 * events(@Param('id', ParseIntPipe) id: number, @ConnectedClient() client: SseClient) {
 *   return this.orders.progress$(id);
 * }
 * ```
 *
 * Guards, pipes and the handler run before anything is sent: a failure of theirs is answered with its HTTP status. The
 * handler returns nothing, an Observable, an AsyncIterable (read only as fast as the client reads), one value, or a
 * promise of these. A source that fails after the stream has opened ends it with the event `sse:error`.
 *
 * @param room a name that may contain parameters of the route (`:id`), a list of names, or a function of the request;
 * left out, the client joins no room. A request that yields an empty or invalid name is answered with 400; `[]` joins no
 * room.
 * @param options overrides the module's options for this endpoint
 * @throws SseError `invalid-retry`; `invalid-options`, also where two `@SseRoom` of one method or class contradict each other; `not-a-route` on anything but a method or class, and when the application starts on a
 * method without a route; `unknown-route-parameter` when the application starts
 */
export function SseRoom<Request = RoutedRequest>(
  room?: RoomSource<Request>,
  options?: SseRoomOptions<Request>,
): MethodDecorator & ClassDecorator;
export function SseRoom<Request = RoutedRequest>(
  options: SseRoomOptions<Request>,
): MethodDecorator & ClassDecorator;
export function SseRoom(
  room?: RoomSource<never> | SseRoomOptions<never>,
  options: SseRoomOptions<never> = {},
): MethodDecorator & ClassDecorator {
  const given = isOptions(room) ? room : options;
  checkRoomOptions(given);
  const { retryMs } = given;
  if (retryMs !== undefined && retryMs !== false) checkRetryTime(retryMs);
  const metadata = isOptions(room)
    ? { sources: [], ...room }
    : { sources: room === undefined ? [] : [room], ...options };
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (key === undefined || descriptor === undefined) return addRoomMetadata(target, metadata);
    if (typeof descriptor.value !== 'function') {
      throw new SseError(
        'not-a-route',
        `@SseRoom() decorates methods and controllers, not the property ${String(key)}.`,
      );
    }
    if (!isWrapped(descriptor.value)) {
      wrapHandler(target, key, descriptor);
      UseInterceptors(SseInterceptor)(target, key, descriptor);
    }
    addRoomMetadata(descriptor.value as object, metadata);
  };
}

function isOptions(
  room: RoomSource<never> | SseRoomOptions<never> | undefined,
): room is SseRoomOptions<never> {
  return typeof room === 'object' && !Array.isArray(room);
}
