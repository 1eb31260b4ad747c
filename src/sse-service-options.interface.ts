import type { PublishOptions } from './broker/broker.interface.js';
import type { SseClient } from './connection/sse-client.js';
import type { RoomName } from './protocol/room-name.js';
import type { SseIdentity } from './protocol/user-name.js';

/** Options of `add`. */
export interface AddOptions {
  /** Rooms that the client joins at once. The stream then begins with `sse:ready`, as that of `@SseRoom`. Default: none. */
  readonly rooms?: RoomName | readonly RoomName[];
  /** The reconnection time in milliseconds; `false` sends none. Default: the module's `retryMs`. */
  readonly retryMs?: number | false;
}

/** A client, or all clients of a user, that an event excludes. */
export type ExcludedTarget = SseClient | Pick<SseIdentity, 'user'>;

/** Options of `broadcast`. */
export interface BroadcastOptions extends Pick<PublishOptions, 'volatile' | 'idempotencyKey'> {
  /**
   * Clients and users (`{ user: 7 }`) that do not receive the event. A client that reconnects is a new one, and may receive
   * the event from history; a user stays excluded. Default: none.
   */
  readonly except?: ExcludedTarget | readonly ExcludedTarget[];
}
