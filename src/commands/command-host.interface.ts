import type { SseClient } from '../connection/sse-client.js';

/** The clients of this node on which a remote command is executed. */
export interface CommandHost {
  /** Clients of this node in a room; of `'*'` all of them. */
  clientsOf(room: string): ReadonlySet<SseClient>;
  /** Adds a client to a room, with the newest `replay` events of the room. */
  join(client: SseClient, room: string, options: { readonly replay: number }): Promise<boolean>;
  /** Takes a client out of a room; with `'*'` out of every room. */
  leave(client: SseClient, room: string): void;
  /** Pending while this node has interest in the room and the broker does not deliver it yet. */
  whenSubscribed(room: string): Promise<void> | undefined;
}
