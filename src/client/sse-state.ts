/**
 * What a client does now.
 *
 * - `connecting`: it opens the stream, or asks for a ticket.
 * - `live`: the stream is open.
 * - `stale`: the stream is open, and a heartbeat is missing. After the second one the client reconnects.
 * - `waiting`: it tries again later.
 * - `closed`: it does not try again.
 */
export type SseState = 'connecting' | 'live' | 'stale' | 'waiting' | 'closed';

/**
 * Why a client is in its state.
 *
 * - `connecting`: `start`, `retry`, `wake` (the page came back), `silence` (heartbeats were missing), `ticket` (401, so a
 *   new ticket).
 * - `live`: `open`. `stale`: `silence`.
 * - `waiting`: `cut` (the stream ended), `refused` (a status other than 200), `unreachable` (no answer), `ticket` (no
 *   ticket or no headers).
 * - `closed`: `closed` (by `close()` or the signal), `ended` (the run that the stream follows has ended), `refused` (a final status), `unreadable`.
 */
export type SseStateReason =
  | 'start'
  | 'retry'
  | 'wake'
  | 'silence'
  | 'ticket'
  | 'open'
  | 'cut'
  | 'refused'
  | 'unreachable'
  | 'closed'
  | 'ended'
  | 'unreadable';

/** Why a client is in its state, and when it tries again. */
export interface SseStateDetail {
  readonly reason: SseStateReason;
  /** Status of the server's answer, where one refused the stream and the transport shows it. */
  readonly status?: number | undefined;
  /** Time of the next attempt. `undefined` unless waiting, and where `EventSource` itself waits. */
  readonly retryAt?: Date | undefined;
  /** What the option `ticket` or `headers` threw. */
  readonly error?: unknown;
}
