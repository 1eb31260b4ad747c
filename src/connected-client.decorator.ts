import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { requestClient } from './endpoint/request-client.js';
import type { SseClient } from './connection/sse-client.js';

/**
 * The `SseClient` of this request, on a method with `@SseRoom`. It may be used before its stream opens: what it is
 * sent waits, rooms it joins count, and `setRetry` takes the place of the module's `retryMs`.
 */
export const ConnectedClient = createParamDecorator(
  (_data: unknown, context: ExecutionContext): SseClient | undefined =>
    requestClient(context.switchToHttp().getRequest<object>()),
);
