import type { Observable } from 'rxjs';
import type { SseClient } from '../connection/sse-client.js';

/** Which rooms have presence. */
export interface PresencePolicy {
  /** Whether any room has. */
  readonly hasPresence: boolean;
  isPresenceRoom(room: string): boolean;
  /** Whether those in the room hear who joins and who leaves. */
  publishesPresenceEvents(room: string): boolean;
}

/** The clients and rooms of this node, as far as presence needs them. */
export interface PresenceHost {
  clientsOf(room: string): ReadonlySet<SseClient>;
  leave(client: SseClient, room: string): void;
  /** What a room hears; a subscriber counts as interest in it. */
  observeRoom(room: string): Observable<unknown>;
  /** Pending where somebody here wants the room and the broker does not deliver it yet. */
  whenSubscribed(room: string): Promise<void> | undefined;
}
