import type { CloseReason } from '../connection/close-reason.js';

/**
 * Counters that an application may connect to its own metrics. Called on hot paths: count, and return.
 */
export interface SseMetrics {
  /** A stream opened: its headers went out. */
  clientOpened(): void;
  /** A client ended, whether or not its stream had opened. */
  clientClosed(reason: CloseReason): void;
  /** An event arrived from the broker and was handed to this many clients of this node. */
  eventDelivered(clients: number): void;
  /** A volatile event was not sent to a client that did not read: a newer one took its place, or its queue was full. */
  volatileDropped(): void;
}
