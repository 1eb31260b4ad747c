import { Logger } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { INTERCEPTORS } from './nest-metadata.js';
import { interceptorsOf, isStreamInterceptor, type RouteMethod } from './route-checks.js';
import { ownsResponse } from './wrap-handler.js';

const logger = new Logger('SseModule');

/** Warns of a handler that takes its response as its own, although the response belongs to the stream. */
export function warnOfOwnResponse({ handler, label }: RouteMethod): void {
  if (!ownsResponse(handler)) return;
  logger.warn(
    `${label} has @SseRoom() and @Res(), but its response belongs to the stream: set headers only, and write @Res({ passthrough: true }). To answer the request yourself, use SseService.add() without @SseRoom().`,
  );
}

/**
 * Warns of interceptors that mapped the values of a method while it had only Nest's `@Sse()`. Beside `@SseRoom()` they run
 * around the whole stream.
 */
export function warnOfOuterInterceptors(
  config: ApplicationConfig,
  { controller, handler, label }: RouteMethod,
): void {
  const onMethod = (Reflect.getMetadata(INTERCEPTORS, handler) ?? []) as readonly unknown[];
  const outer = [
    ...config.getGlobalInterceptors(),
    ...config.getGlobalRequestInterceptors().map(({ metatype }) => metatype),
    ...interceptorsOf(controller),
    ...onMethod.slice(0, onMethod.findIndex(isStreamInterceptor)),
  ];
  if (outer.length === 0) return;
  logger.warn(
    `${label} has @Sse() and @SseRoom(): with @SseRoom() the values of its stream no longer pass through ${outer.map(nameOf).join(', ')}. Write an interceptor that maps values above @SseRoom() on the method, and remove @Sse().`,
  );
}

function nameOf(interceptor: unknown): string {
  if (typeof interceptor === 'function') return interceptor.name;
  return (interceptor as object).constructor.name;
}
