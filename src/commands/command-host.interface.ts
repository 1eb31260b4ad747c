import type { SseClient } from '../connection/sse-client.js';

/** The clients of this node on which a remote command is executed. */
export interface CommandHost {
  /** Clients of this node in a room; of `'*'` all of them. */
  clientsOf(room: string): ReadonlySet<SseClient>;
  /** Takes a client out of a room; with `'*'` out of every room. */
  leave(client: SseClient, room: string): void;
}
