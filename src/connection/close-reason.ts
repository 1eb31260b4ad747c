/**
 * Why a client's stream ended: metric label, log word and test word in one. The list is closed.
 *
 * - `client-gone`: the client, or the network between, closed the connection.
 * - `slow-consumer`: more than `maxQueuedBytes` waited for it.
 * - `write-timeout`: it read nothing for `writeTimeoutMs`.
 * - `closed`: the application called `close()`.
 * - `disconnected`: the application called `SseService.disconnect()`, on this node or another.
 * - `source-ended`: the handler's Observable or iterable ended.
 * - `source-failed`: it failed after the stream had opened.
 * - `broker-unavailable`: what it had missed could not be read; it comes back with the same position.
 * - `refused`: the request failed before the stream opened, and was answered with an HTTP status.
 * - `removed`: `SseService.remove()`; the connection itself stays open.
 * - `shutdown`: the application is closing.
 */
export const CLOSE_REASONS = [
  'client-gone',
  'slow-consumer',
  'write-timeout',
  'closed',
  'disconnected',
  'source-ended',
  'source-failed',
  'broker-unavailable',
  'refused',
  'removed',
  'shutdown',
] as const;

/** In these cases the client still reads, and gets what is queued before its stream ends. */
export const GRACEFUL_REASONS: ReadonlySet<CloseReason> = new Set([
  'closed',
  'disconnected',
  'source-ended',
  'source-failed',
  'broker-unavailable',
  'shutdown',
]);

/** Why a client's stream ended; each is explained at `CLOSE_REASONS` and in docs/10-errors.md. */
export type CloseReason = (typeof CLOSE_REASONS)[number];
