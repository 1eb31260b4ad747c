import type { ParserEvents } from './event-parser.js';

/** How an attempt ended. */
export interface StreamEnd {
  /** Status of an answer that is no event stream. `undefined` where the network failed or the stream was cut. */
  readonly status?: number | undefined;
  /** Least time until the next attempt, from `Retry-After`. */
  readonly retryAfterMs?: number | undefined;
  /** True if the transport refused the answer and hides its status, as `EventSource` does. */
  readonly isHidden?: boolean;
  /** True if the platform's `fetch` gives no access to the body of a stream. */
  readonly isUnreadable?: boolean;
  /** True if the transport reconnects by itself. */
  readonly reconnects?: boolean;
}

/** Receives what one attempt to open a stream brings. */
export interface StreamSink extends ParserEvents {
  opened(): void;
  /** Called for bytes of any kind. */
  received(): void;
  ended(end: StreamEnd): void;
}

/** One attempt, and the stream that it becomes. */
export interface Transport {
  /** Receives events of this name too. */
  listen(name: string): void;
  close(): void;
}
