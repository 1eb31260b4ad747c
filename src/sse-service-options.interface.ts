import type { PublishOptions } from './broker/broker.interface.js';
import type { SseClient } from './connection/sse-client.js';
import type { RoomName } from './protocol/room-name.js';

/** How `add` opens a stream. */
export interface AddOptions {
  /** Rooms to join at once; the stream then begins with `sse:ready`, as an `@SseRoom` endpoint's does. Default: none. */
  readonly rooms?: RoomName | readonly RoomName[];
  /** The reconnection time in milliseconds; `false` sends none. Default: the module's `retryMs`. */
  readonly retryMs?: number | false;
}

/** How `broadcast` publishes. */
export interface BroadcastOptions extends Pick<PublishOptions, 'volatile' | 'idempotencyKey'> {
  /**
   * Clients that do not receive the event while they are connected. A client that comes back is a new one, and may get
   * it from history. Default: none.
   */
  readonly except?: SseClient | readonly SseClient[];
}
