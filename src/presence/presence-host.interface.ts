import type { Observable } from 'rxjs';
import type { RoomEvent } from '../protocol/room-message.js';

/** The rooms that have presence. */
export interface PresencePolicy {
  /** True if at least one rule of the module gives rooms presence. */
  readonly hasPresence: boolean;
  isPresenceRoom(room: string): boolean;
  /** True if clients of the room receive `sse:join` and `sse:leave`. */
  publishesPresenceEvents(room: string): boolean;
}

/** The rooms of this node, as far as presence needs them. */
export interface PresenceHost {
  /** Events of a room. A subscriber counts as interest in the room. */
  observeRoom(room: string): Observable<unknown>;
  /** Pending while this node has interest in the room and the broker does not deliver it yet. */
  whenSubscribed(room: string): Promise<void> | undefined;
  /** Delivers an event without a position to this node's part of the room, as if the broker had delivered it. */
  deliver(room: string, event: RoomEvent): void;
}
