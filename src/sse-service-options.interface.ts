import type { PublishOptions } from './broker/broker.interface.js';
import type { SseClient } from './connection/sse-client.js';
import type { RoomName } from './protocol/room-name.js';
import type { SseIdentity } from './protocol/user-name.js';

/** How `add` opens a stream. */
export interface AddOptions {
  /** Rooms to join at once; the stream then begins with `sse:ready`, as an `@SseRoom` endpoint's does. Default: none. */
  readonly rooms?: RoomName | readonly RoomName[];
  /** The reconnection time in milliseconds; `false` sends none. Default: the module's `retryMs`. */
  readonly retryMs?: number | false;
}

/** Somebody whom an event leaves out. */
export type ExcludedTarget = SseClient | Pick<SseIdentity, 'user'>;

/** How `broadcast` publishes. */
export interface BroadcastOptions extends Pick<PublishOptions, 'volatile' | 'idempotencyKey'> {
  /**
   * Clients that do not receive the event while they are connected, and users (`{ user: 7 }`) whose clients do not. A
   * client that comes back is a new one, and may get the event from history; a user stays the same. Default: none.
   */
  readonly except?: ExcludedTarget | readonly ExcludedTarget[];
}
