import type { SseState, SseStateDetail } from '../sse-state.js';
import type { WireEvent } from '../transport/event-parser.js';

/** Receives what a source brings, in order. */
export interface SourceEvents {
  /** Returns the names of the events that somebody listens to. */
  names(): Iterable<string>;
  event(event: WireEvent): void;
  /** Called behind each block with an id. */
  position?(id: string): void;
  state(state: SseState, detail: SseStateDetail): void;
  error(error: unknown): void;
}

/** A stream of events that repairs itself. */
export interface Source {
  /** Receives events of this name from now on. */
  listen(name: string): void;
  close(): void;
}
