import type { CloseReason } from '../connection/close-reason.js';

/**
 * Counters that an application may connect to its own metrics. Called on hot paths: implementations should only count.
 */
export interface SseMetrics {
  /** A stream was opened: its headers were sent. */
  clientOpened(): void;
  /** A client was closed, even if its stream had not been opened yet. */
  clientClosed(reason: CloseReason): void;
  /** An event from the broker was delivered to this many clients of this node. */
  eventDelivered(clients: number): void;
  /** A volatile event was dropped for a client with backpressure: a newer one replaced it, or the queue was full. */
  volatileDropped(): void;
}
