import { ClassSerializerInterceptor, Logger } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { interceptorsOf, type RouteMethod } from './route-checks.js';

/**
 * Warns that fields with `@Exclude()` are sent in events, although the application's `ClassSerializerInterceptor` removes
 * them from other answers. Names the methods where the interceptor is on a method or a controller.
 */
export function warnOfClassSerializer(config: ApplicationConfig, endpoints: readonly RouteMethod[]): void {
  const isGlobal =
    config.getGlobalInterceptors().some(isClassSerializer) ||
    config.getGlobalRequestInterceptors().some(({ metatype }) => isClassSerializer(metatype));
  const methods = endpoints.filter(({ controller, handler }) =>
    [controller, handler].some((target) => interceptorsOf(target).some(isClassSerializer)),
  );
  if (endpoints.length === 0 || (!isGlobal && methods.length === 0)) return;
  const subject = isGlobal
    ? 'The global ClassSerializerInterceptor'
    : `The ClassSerializerInterceptor of ${methods.map(({ label }) => label).join(', ')}`;
  new Logger('SseModule').warn(
    `${subject} does not reach events: fields with @Exclude() are sent. Set the option "serialize" of SseModule to (data) => JSON.stringify(instanceToPlain(data)), with instanceToPlain from "class-transformer".`,
  );
}

/** Accepts a class, a subclass, and an instance of either. */
function isClassSerializer(interceptor: unknown): boolean {
  if (interceptor instanceof ClassSerializerInterceptor) return true;
  return (
    typeof interceptor === 'function' &&
    (interceptor === ClassSerializerInterceptor ||
      interceptor.prototype instanceof ClassSerializerInterceptor)
  );
}
