import type { JoinOptions } from '../connection/sse-client.interface.js';
import type { SseClient } from '../connection/sse-client.js';

/** The clients of this node on which a remote command is executed. */
export interface CommandHost {
  /** Clients of this node in a room; of `'*'` all of them. */
  clientsOf(room: string): ReadonlySet<SseClient>;
  /** Adds a client to a room. */
  join(client: SseClient, room: string, options: JoinOptions): Promise<boolean>;
  /** Takes a client out of a room; with `'*'` out of every room. @returns settles when its session has left it too */
  leave(client: SseClient, room: string): Promise<void> | undefined;
  /** Pending while this node has interest in the room and the broker does not deliver it yet. */
  whenSubscribed(room: string): Promise<void> | undefined;
}
