import type { RoomMessage } from '../protocol/room-message.js';
import type { Position } from '../protocol/position.js';

/**
 * The connection between a node and its broker:
 *
 * - `live`: every event of the subscribed rooms is delivered.
 * - `syncing`: connected, and catching up on events missed during an outage.
 * - `down`: not connected; nothing is delivered and `publish` rejects.
 */
export type BrokerState = 'down' | 'syncing' | 'live';

/** The level of a line of a broker's log, as in Nest's `Logger`: a failure, or its end. */
export type BrokerLogLevel = 'warn' | 'log';

/**
 * Receives the events and state changes of a broker. Of the node's calls to the broker, only `start`,
 * `publish`, `publishControl` and `presence.set` may call the listener before they return.
 */
export interface BrokerListener {
  /**
   * Receives one event of a subscribed room. Events that have a position arrive in ascending order. The node's own events
   * arrive here as well, and nowhere else.
   */
  onMessage(message: RoomMessage): void;
  onStateChange(state: BrokerState): void;
  /**
   * Reports rooms that may have lost events between the last delivered event and the next one: the broker could not
   * catch up completely after an outage.
   */
  onGap(rooms: readonly string[]): void;
  /** Reports a new epoch: the broker lost its history. Every later event is after `current`, by default `position`. */
  onEpochChange(epoch: string, current?: Position): void;
  /**
   * Receives a control message that some node has sent with `publishControl`.
   *
   * @returns `false` for a malformed message, which is ignored; a broker may count it
   */
  onControl?(text: string): boolean | void;
  /**
   * Writes a line of the broker's log. In an application it is one of Nest's `Logger`, and a line that repeats is written once
   * in ten seconds with its number. Must not throw. Without it, `redisBroker` emits a warning of the process,
   * `SseRedisWarning`.
   */
  onLog?(level: BrokerLogLevel, message: string): void;
  /** `true` where nothing may ever be subscribed: a broker may then connect its subscriber with the first `subscribe`. */
  readonly subscribesLater?: boolean | undefined;
}
