import type { PublishOptions } from './broker/broker.interface.js';
import type { RetryTime } from './protocol/input/retry-time.js';
import type { RoomName } from './protocol/input/room-name.js';
import type { ExcludedTarget } from './rooms/publish/sse-destination.js';

/** A room, or a list of rooms. */
export type Rooms = RoomName | readonly RoomName[];

/** Options of `SseService.add()`. */
export interface AddOptions {
  /** Rooms to join at once. The stream then begins with `sse:ready`, as that of an `@SseRoom` endpoint. Default: none. */
  readonly rooms?: Rooms;
  /**
   * Reconnection time in milliseconds; 0 reconnects without delay, `false` sends none, and of a range `{ minMs, maxMs }` a random
   * one is sent. Default: the module's `retryMs`.
   */
  readonly retryMs?: RetryTime | false;
}

/** Options of `SseService.broadcast()`. */
export interface BroadcastOptions extends Pick<
  PublishOptions,
  'volatile' | 'idempotencyKey' | 'acknowledge'
> {
  /**
   * Clients, or users (`{ user: 7 }`) with all of their clients, that do not receive the event. An excluded client that
   * reconnects is a new client and may receive the event from history; an excluded user does not. Default: none.
   *
   * Without the module option `identify`, `{ user }` is refused in a process with HTTP.
   */
  readonly except?: ExcludedTarget | readonly ExcludedTarget[];
}
