import { createParamDecorator } from '@nestjs/common';
import { clientOfContext, hideDesignType } from './endpoint/client-argument.js';

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
export const ConnectedClient = createParamDecorator(clientOfContext, [hideDesignType]);
