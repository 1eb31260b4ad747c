import { SseError } from '../protocol/sse-error.js';
import { SSE_INTERCEPTOR_METADATA } from '../sse.constants.js';
import { declaringClass, dropHiddenResponse, hidesResponse } from './hidden-response.js';
import { INTERCEPTORS } from './nest-metadata.js';
import { isWrapped } from './wrap-handler.js';

/** A method of a controller. */
export interface RouteMethod {
  readonly controller: object;
  readonly key: string;
  readonly handler: object;
  /** Name for messages: `OrdersController.events()`. */
  readonly label: string;
}

/** Interceptors of a method or a controller: classes and instances. */
export function interceptorsOf(target: object): readonly unknown[] {
  return (Reflect.getMetadata(INTERCEPTORS, target) ?? []) as readonly unknown[];
}

/** Returns `true` if the handler has the interceptor that `@SseRoom` installs. */
export function hasStreamInterceptor(target: object): boolean {
  return interceptorsOf(target).some(
    (interceptor) =>
      typeof interceptor === 'function' && Reflect.hasMetadata(SSE_INTERCEPTOR_METADATA, interceptor),
  );
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
