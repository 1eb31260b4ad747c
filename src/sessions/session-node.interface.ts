import type { SessionChange, SessionOutcome, SessionOwner } from '../broker/session-store.interface.js';
import type { SseClient } from '../connection/sse-client.js';

/** The sessions of this node, as far as one of them needs them. */
export interface SessionNode {
  /** Id of this node, which other nodes reach it by. */
  readonly nodeId: string;
  /** Milliseconds for which a session is stored after the end of its stream. */
  readonly ttlMs: number;
  /** Milliseconds for which it is stored after each renewal. */
  readonly renewedTtlMs: number;
  readonly maxRooms: number;
  claim(change: SessionChange): Promise<SessionOutcome>;
  change(change: SessionChange): Promise<SessionOutcome>;
  /** Returns those of the rooms of its session that the client may be in. Rejects where the application cannot tell. */
  allowed(client: SseClient, rooms: readonly string[]): Promise<readonly string[]>;
  /** Ends the stream that had the session until now, on whatever node. */
  endPrevious(owner: SessionOwner): void;
  /** Forgets a session whose stream has ended. */
  forget(clientId: string): void;
}
