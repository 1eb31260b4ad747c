import { ServerResponse, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { streamHeaders } from '../protocol/stream-headers.js';

/** Node's own request and response, of HTTP/1 or HTTP/2, without what a platform wraps around them. */
export type RawRequest = IncomingMessage | Http2ServerRequest;
export type RawResponse = ServerResponse | Http2ServerResponse;

const CONNECTION_SPECIFIC_HEADERS = ['connection', 'keep-alive', 'proxy-connection', 'upgrade'];

export function isHttp1(response: RawResponse): response is ServerResponse {
  return response instanceof ServerResponse;
}

/** Sends status 200 and the headers of a stream at once. */
export function sendHead(response: RawResponse, present: Readonly<Record<string, unknown>>): void {
  const headers = streamHeaders(present);
  for (const name of response.getHeaderNames()) if (!(name in headers)) response.removeHeader(name);
  if (!isHttp1(response)) {
    // RFC 9113, section 8.2.2: connection-specific fields make an HTTP/2 message malformed.
    for (const name of CONNECTION_SPECIFIC_HEADERS) delete headers[name];
  }
  // All at once: header by header, Node would keep an object for each as long as the stream is open. And by themselves:
  // written together with the first event, their text stays in memory in 24 pieces, 350 bytes more.
  (response as ServerResponse).writeHead(200, headers as OutgoingHttpHeaders).flushHeaders();
}
