import type { ExecutionContext } from '@nestjs/common';
import type { SseClient } from '../connection/sse-client.js';
import { requestClient } from './request-client.js';

const PARAMETER_TYPES = 'design:paramtypes';

/** Returns the value of `@ConnectedClient()`. */
export function clientOfContext(_data: unknown, context: ExecutionContext): SseClient | undefined {
  return requestClient(context.switchToHttp().getRequest<object>());
}

/**
 * Replaces the type of a parameter by `Object`. A pipe such as `ValidationPipe` with `validateCustomDecorators` would
 * otherwise construct an `SseClient` from the client.
 */
export function hideDesignType(target: object, key: string | symbol | undefined, index: number): void {
  if (key === undefined) return;
  const types = Reflect.getOwnMetadata(PARAMETER_TYPES, target, key) as readonly unknown[] | undefined;
  if (types === undefined) return;
  const hidden = types.map((type, position) => (position === index ? Object : type));
  Reflect.defineMetadata(PARAMETER_TYPES, hidden, target, key);
}
