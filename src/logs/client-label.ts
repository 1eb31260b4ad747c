import type { SseClient } from '../connection/sse-client.js';

/** Characters of a client's id in a log line: enough to find its other lines. */
const SHORT_ID_LENGTH = 8;

/** Most characters of a request's id, which a client may have sent. */
const MAX_REQUEST_ID_LENGTH = 64;

/**
 * Names a client in a log line: by the beginning of its id, which `sse:ready` carries, and by the id of its request where
 * the application gives one, as Fastify and pino-http do.
 *
 * Example: `client 1a2b3c4d, request req-7`.
 */
export function clientLabel({ id, request }: Pick<SseClient, 'id' | 'request'>): string {
  const requestId = requestIdOf(request);
  const label = `client ${id.slice(0, SHORT_ID_LENGTH)}`;
  return requestId === undefined ? label : `${label}, request ${requestId}`;
}

function requestIdOf(request: unknown): string | undefined {
  const { id } = (request ?? {}) as { readonly id?: unknown };
  if (typeof id !== 'number' && (typeof id !== 'string' || id === '')) return undefined;
  // A line break would begin a line of its own.
  return String(id)
    .replace(/[^\x21-\x7e]/g, '?')
    .slice(0, MAX_REQUEST_ID_LENGTH);
}
