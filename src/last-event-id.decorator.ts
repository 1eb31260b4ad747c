import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { HttpExchange } from './endpoint/http-exchange.js';

/**
 * The raw `Last-Event-ID` of this request (or `?lastEventId=`, as polyfills send it; the header wins), or `undefined`.
 * Anybody's text: check it before use.
 */
export const LastEventId = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string | undefined => {
    const http = context.switchToHttp();
    return new HttpExchange(http.getRequest(), http.getResponse()).lastEventId();
  },
);
