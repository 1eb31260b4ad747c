import type { CloseReason } from './close-reason.js';

/** The client that a connection belongs to. */
export interface ConnectionOwner {
  readonly request: unknown;
  /** Called once, when the stream has ended. */
  connectionClosed(reason: CloseReason): void;
}

/** Reasons for which the application ends a stream. */
export type EndReason =
  | 'closed'
  | 'disconnected'
  | 'source-ended'
  | 'source-failed'
  | 'replaced'
  | 'max-age'
  | 'expired'
  | 'session-taken';
