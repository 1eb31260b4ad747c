import type { RunTimeJoin } from '../connection/sse-client.interface.js';
import type { SseClient } from '../connection/sse-client.js';

/** The clients of this node on which a remote command is executed. */
export interface CommandHost {
  /** Clients of this node in a room; of `'*'` all of them. */
  clientsOf(room: string): ReadonlySet<SseClient>;
  /**
   * Adds a client to a room: one with a session, or where the application decides about rooms, once its stream is open. Settles
   * when the room is stored in its session; a replay may go on.
   *
   * @throws SseError `room-forbidden`, `too-many-rooms`, `broker-unavailable`
   */
  joinAtRunTime(client: SseClient, room: string, options: RunTimeJoin): Promise<boolean>;
  /**
   * Takes a client out of a room; with `'*'` out of every room.
   *
   * @param isStored true if the session of the client has left it already
   * @returns settles when its session has left it too
   */
  leave(client: SseClient, room: string, isStored: boolean): Promise<void> | undefined;
  /** Asks whether a client may be in its rooms, or in one of them, and takes it out of those that are refused. */
  reauthorize(client: SseClient, room: string | undefined): Promise<void>;
  readonly authorizer: { invalidate(): void };
  /** Pending while this node has interest in the room and the broker does not deliver it yet. */
  whenSubscribed(room: string): Promise<void> | undefined;
}
