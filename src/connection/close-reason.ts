/**
 * Reasons for which a client's stream ends. The list is closed: metrics, logs and tests use the same words.
 *
 * - `client-gone`: the client or the network closed the connection.
 * - `slow-consumer`: more than `maxQueuedBytes` waited for the client. Its connection is cut.
 * - `write-timeout`: the client read nothing for `writeTimeoutMs`. Its connection is cut.
 * - `closed`: the application called `SseClient.close()`.
 * - `disconnected`: the application called `SseService.disconnect()`, on this node or another.
 * - `source-ended`: the handler's Observable or iterable ended.
 * - `source-failed`: the handler's Observable or iterable failed after the stream had opened.
 * - `broker-unavailable`: missed events could not be read from history. The client reconnects with the same position.
 * - `refused`: the request failed before the stream opened, and was answered with an HTTP status.
 * - `limited`: a limit of the option `limits` refused the stream before it opened.
 * - `replaced`: the stream was ended for a newer one of the same user, by `limits.atUserLimit`.
 * - `max-age`: the stream was open for `limits.maxAgeMs`.
 * - `expired`: the time of the client is over, by `expiresAt` of its identity.
 * - `session-taken`: a newer stream with the same `?session=` has taken the session.
 * - `removed`: the application called `SseService.remove()`. The connection itself stays open.
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
  'limited',
  'replaced',
  'max-age',
  'expired',
  'session-taken',
  'removed',
  'shutdown',
] as const;

/** Reasons for which the client still reads: queued events are sent before its stream ends. */
export const GRACEFUL_REASONS: ReadonlySet<CloseReason> = new Set([
  'closed',
  'disconnected',
  'source-ended',
  'source-failed',
  'broker-unavailable',
  'replaced',
  'max-age',
  'expired',
  'session-taken',
  'shutdown',
]);

/**
 * Reason for which a client's stream ended: the value of `SseClient.closed`, and the `reason` of `SseClient.signal` and
 * `SseService.disconnected$`.
 *
 * - The client or the network: `client-gone`, `slow-consumer` (more than `maxQueuedBytes` waited), `write-timeout` (read
 *   nothing for `writeTimeoutMs`).
 * - The application: `closed`, `disconnected`, `removed`, `source-ended`, `source-failed`, `shutdown`.
 * - Before the stream opened: `refused`, answered with an HTTP status; `limited` by the option `limits`.
 * - The option `limits`: `replaced` by a newer stream of the user, `max-age`.
 * - The identity: `expired`.
 * - A newer stream of the same session: `session-taken`.
 * - The broker: `broker-unavailable`. The client reconnects with the same position.
 *
 * A native `EventSource` that is still open reconnects, except after `refused` and `removed`. See docs/10-errors.md.
 */
export type CloseReason = (typeof CLOSE_REASONS)[number];
