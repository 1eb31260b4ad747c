import type { IncomingMessage, ServerResponse } from 'node:http';
import { shareHeaderTable } from './header-table.js';
import { shareRequestHeaders } from './request-headers.js';
import { shareSocketListeners } from './socket-listeners.js';

/** Fields of Node's responses, and the field of `parseurl`. */
const HEAD_TEXT = '_header';
const IS_HEAD_SENT = '_headerSent';
const PARSED_URL = '_parsedUrl';
const WAITING_BYTES_COUNTER = '_onPendingData';
/** Name of the counter that Node binds to the connection of each response. */
const NODES_COUNTER = 'bound updateOutgoingData';
const countNothing = (): void => {};
/** The text of a sent head in place of its own: `headersSent` of Node is true for a text that is not empty. */
const SENT_HEAD = 'HTTP/1.1 200 OK\r\n\r\n';

/**
 * Releases what Node and Express keep of the head of an HTTP/1 request and response while the stream is open: 1.5 to 2 KB of
 * heap for each client, of 7 to 10 (`bench/idle.mjs`).
 *
 * Fields that Node does not document are changed only where they have the known type, and keep it. `headersSent`, `getHeader()`,
 * `getHeaders()` and `request.headers` return what they returned before; `request.rawHeaders` is empty from now on.
 */
export function releaseHead(response: ServerResponse): void {
  const fields = response as unknown as Record<string, unknown>;
  // A middleware may hold the head back, and send this text later.
  if (typeof fields[HEAD_TEXT] !== 'string' || fields[IS_HEAD_SENT] !== true) return;
  fields[HEAD_TEXT] = SENT_HEAD;
  shareHeaderTable(response);
  releaseCounter(response);
  const request = response.req as IncomingMessage | undefined;
  if (request === undefined) return;
  shareRequestHeaders(request);
  releaseParsedUrl(request as unknown as Record<string, unknown>);
  shareSocketListeners(request.socket);
}

/**
 * Releases the function by which Node counts the bytes of a response that waits for its turn on its connection. From its turn on
 * they go to the socket, which counts them.
 */
function releaseCounter(response: ServerResponse): void {
  const fields = response as unknown as Record<string, unknown>;
  const counter = fields[WAITING_BYTES_COUNTER];
  if (typeof counter !== 'function' || counter.name !== NODES_COUNTER) return;
  // Else bytes wait in the response.
  if (response.socket !== null && fields['outputSize'] === 0) fields[WAITING_BYTES_COUNTER] = countNothing;
}

/** Releases the parsed URL that `parseurl` stores for Express, and parses again when it is asked for. */
function releaseParsedUrl(request: Record<string, unknown>): void {
  if (typeof request[PARSED_URL] === 'object') request[PARSED_URL] = undefined;
}
