import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { HttpExchange } from './endpoint/http-exchange.js';

/**
 * Injects the header `Last-Event-ID` of the request (HTML standard, 9.2.4), else its query parameter `lastEventId`, which
 * polyfills send, else `undefined`. Untrusted text: check it before use. Works on any route.
 *
 * ```ts
 * @Get('log')
 * @SseRoom()
 * log(@LastEventId() lastEventId?: string) {
 *   return this.lines.after(Number(lastEventId) || 0);
 * }
 * ```
 */
export const LastEventId = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string | undefined => {
    const http = context.switchToHttp();
    return new HttpExchange(http.getRequest(), http.getResponse()).lastEventId();
  },
);
