import type { CloseReason } from '../connection/close-reason.js';

/**
 * Counters that an application may connect to its own metrics. Called on hot paths: implementations should only count.
 */
export interface SseMetrics {
  /** A stream was opened: its headers were sent. */
  clientOpened(): void;
  /** A stream that `clientOpened` counted has ended. The difference of both counts is the number of open streams. */
  clientClosed(reason: CloseReason): void;
  /** A client ended before its stream opened: a guard or the handler refused it, or the client had gone. */
  clientRefused?(reason: CloseReason): void;
  /**
   * A limit of the option `limits` refused a request, or had an older stream of the user ended.
   *
   * @param limit the name of the option: one of a fixed list
   */
  limitReached?(
    limit: 'maxStreams' | 'maxStreamsPerUser' | 'maxStreamsPerAddress' | 'maxStreamsPerKey',
  ): void;
  /** An event from the broker was delivered to this many clients of this node. */
  eventDelivered(clients: number): void;
  /**
   * A callback or a subscriber of the application threw, or its promise rejected.
   *
   * @param callback its name, such as `identify`, `connected$` or `metrics.clientClosed`: one of a fixed list
   */
  callbackFailed?(callback: string): void;
  /** A volatile event was dropped for a client with backpressure: a newer one replaced it, or the queue was full. */
  volatileDropped(): void;
}
