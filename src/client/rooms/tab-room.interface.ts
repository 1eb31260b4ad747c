/**
 * What a tab knows about a room that it uses: nothing yet; that the stream has joined it; or that a lost session has lost it
 * and its gap was not reported yet.
 */
export type TabRoomState = 'new' | 'joined' | 'lost';

/** A room that a tab uses. */
export type TabRoom = readonly [room: string, state: TabRoomState];

/** One use of a room in a page. */
export interface RoomUse {
  /** Settles when the stream has joined the room, or may not. */
  readonly joined: Promise<void>;
  leave(): void;
}
