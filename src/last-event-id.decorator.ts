import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RawHttp } from './endpoint/raw-http.js';

/**
 * The raw `Last-Event-ID` of this request (or `?lastEventId=`, as polyfills send it; the header wins), or `undefined`.
 * Anybody's text: check it before use.
 */
export const LastEventId = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string | undefined => {
    const http = context.switchToHttp();
    return new RawHttp(http.getRequest(), http.getResponse()).lastEventId();
  },
);
