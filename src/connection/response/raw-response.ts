import { ServerResponse, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { releaseHead } from '../release/release-head.js';
import { streamHeaders } from '../../protocol/stream-headers.js';

/** Node's own request and response, of HTTP/1 or HTTP/2, without the wrapper of a framework. */
export type RawRequest = IncomingMessage | Http2ServerRequest;
export type RawResponse = ServerResponse | Http2ServerResponse;

/** Node's `write` when this module was loaded. A tracing library may replace it later for all responses. */
// oxlint-disable-next-line typescript/unbound-method -- compared, never called
const NODES_OWN_WRITE = ServerResponse.prototype.write;

const CONNECTION_SPECIFIC_HEADERS = ['connection', 'keep-alive', 'proxy-connection', 'upgrade'];

export function isHttp1(response: RawResponse): response is ServerResponse {
  return response instanceof ServerResponse;
}

/** Returns `true` if the connection of a response is closed, and not only the stream ended. */
export function isDisconnected(response: RawResponse, connection: Socket | undefined): boolean {
  if (isHttp1(response)) return response.destroyed || (connection?.destroyed ?? false);
  const { stream } = response;
  return stream === undefined || stream.destroyed || stream.closed;
}

/** Returns the socket of a response if chunks written to it have exactly the effect of `response.write`. */
export function directSocket(response: RawResponse): Socket | undefined {
  if (!isHttp1(response) || !response.headersSent || !response.chunkedEncoding) return undefined;
  // A middleware that reads or changes written bytes (compression, tracing) has replaced `write`.
  if (response.write !== NODES_OWN_WRITE || response.writableEnded) return undefined;
  // Without a socket, an earlier response of a pipelining client is not finished.
  const { socket } = response;
  return socket === null || response.writableLength !== socket.writableLength ? undefined : socket;
}

/** Sends status 200 and the headers of a stream at once. */
export function sendHead(
  response: RawResponse,
  present: Readonly<Record<string, unknown>>,
  coding?: string,
): void {
  const headers = streamHeaders(present);
  if (coding !== undefined) headers['content-encoding'] = coding;
  for (const name of response.getHeaderNames()) if (!(name in headers)) response.removeHeader(name);
  if (!isHttp1(response)) {
    // RFC 9113, section 8.2.2: connection-specific fields make an HTTP/2 message malformed.
    for (const name of CONNECTION_SPECIFIC_HEADERS) delete headers[name];
  }
  // All at once, since header by header Node would keep an object for each while the stream is open. And separately,
  // since with the first event their text would stay in memory in 24 pieces, 350 bytes more.
  (response as ServerResponse).writeHead(200, headers as OutgoingHttpHeaders).flushHeaders();
  if (isHttp1(response)) releaseHead(response);
}

/** Writes through a response, whose `write` may belong to a middleware. @returns `true` if the client takes more */
export function writeThrough(response: RawResponse, bytes: Buffer): boolean {
  const takesMore: boolean | undefined = (response as ServerResponse).write(bytes); // `undefined` from some middleware.
  return takesMore ?? !(response as ServerResponse).writableNeedDrain;
}
