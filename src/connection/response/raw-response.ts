import { ServerResponse, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { streamHeaders } from '../../protocol/stream-headers.js';

/** Node's own request and response, of HTTP/1 or HTTP/2, without what a platform wraps around them. */
export type RawRequest = IncomingMessage | Http2ServerRequest;
export type RawResponse = ServerResponse | Http2ServerResponse;

/** As it was when this module was loaded: tracing may put its own in place for all responses. */
// oxlint-disable-next-line typescript/unbound-method -- compared, never called
const NODES_OWN_WRITE = ServerResponse.prototype.write;

const CONNECTION_SPECIFIC_HEADERS = ['connection', 'keep-alive', 'proxy-connection', 'upgrade'];

export function isHttp1(response: RawResponse): response is ServerResponse {
  return response instanceof ServerResponse;
}

/** The socket of a response to which bytes may be written as chunks: where that is exactly what its `write` would do. */
export function directSocket(response: RawResponse): Socket | undefined {
  if (!isHttp1(response) || !response.headersSent || !response.chunkedEncoding) return undefined;
  // A middleware that watches or changes what is written (compression, tracing) has put its own `write` in place.
  if (response.write !== NODES_OWN_WRITE || response.writableEnded) return undefined;
  // No socket: an earlier response of a pipelining client is not finished.
  const { socket } = response;
  return socket === null || response.writableLength !== socket.writableLength ? undefined : socket;
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
