import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { requestClient } from './endpoint/request-client.js';
import type { SseClient } from './connection/sse-client.js';

/**
 * Injects the `SseClient` of the request into a method with `@SseRoom`; `undefined` on other methods. The client may be
 * used before its stream opens: events sent to it wait, joined rooms are resumed, and `setRetry` replaces the option
 * `retryMs`.
 *
 * ```ts
 * @Get('events')
 * @SseRoom()
 * async events(@ConnectedClient() client: SseClient) {
 *   await client.join('news');
 * }
 * ```
 */
export const ConnectedClient = createParamDecorator(
  (_data: unknown, context: ExecutionContext): SseClient | undefined =>
    requestClient(context.switchToHttp().getRequest<object>()),
);
