import type { ConnectOptions } from '../connect-options.interface.js';
import type { RoomUse, TabRoom } from '../rooms/tab-room.interface.js';
import type { SseState, SseStateDetail } from '../sse-state.js';
import type { WireEvent } from '../transport/event-parser.js';

/** Receives what a source brings, in order. */
export interface SourceEvents {
  /** Returns the names of the events that have a listener. */
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
  /** Uses a room; `undefined` on a closed source. Missing without the option `rooms`. */
  room?(name: string): Promise<RoomUse | undefined>;
  /**
   * Replaces the rooms that a tab uses. Missing without the option `rooms`.
   *
   * @param tab its id; the only tab by default
   */
  use?(rooms: readonly TabRoom[], tab?: string): void;
}

/** A connection to the server. */
export interface OpenConnection extends Source {
  /** Ends a wait for the next attempt, and replaces a connection that has missed its heartbeats. */
  wake(): void;
}

/** Options of a connection, with those that the client itself adds. */
export interface ConnectionOptions extends ConnectOptions {
  /** More words of the query parameter `sse`. Default: none. */
  readonly words?: string;
  /** Key of a session that an earlier connection of the same tabs has used. Default: none. */
  readonly session?: string | undefined;
}
