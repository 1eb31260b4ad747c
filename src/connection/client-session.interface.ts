import type { ResumePoint } from '../protocol/position.js';

/** A room of a session. The session has its events after the position. */
export interface RestoredRoom extends ResumePoint {
  readonly room: string;
}

/** The rooms with which a stream begins besides those of its request. */
export interface RestoredRooms {
  readonly rooms: readonly RestoredRoom[];
  /** True if there was no such session. */
  readonly isNew: boolean;
}

/** The session of one client: the rooms that it joins at run time are stored, and restored when its stream comes back. */
export interface ClientSession {
  /** The key in the URL of the stream. */
  readonly key: string;

  /**
   * Makes the client the owner of the session, once its stream has opened. Waits while the broker cannot be reached.
   *
   * @throws SseError `broker-closed`
   */
  restore(): Promise<RestoredRooms>;

  /** @throws SseError `too-many-rooms` if the session has its most rooms, and this is none of them */
  checkRoom(room: string): void;

  /** True once the session was asked for: until then, the store alone decides about its rooms. */
  readonly isClaimed: boolean;

  /**
   * Stores a room that the client has joined.
   *
   * @param point settles with the position of the join
   * @returns settles when it is stored; with `false` where the stream has ended, or another one has the session
   * @throws SseError `broker-unavailable`, `too-many-rooms`
   */
  joined(room: string, point: Promise<ResumePoint>): Promise<boolean>;

  /** The call of `joined` for a room, while it is pending. */
  saving(room: string): Promise<unknown> | undefined;

  /**
   * Removes a room, with `'*'` all rooms. Settles when that is stored, or will be tried again. Never rejects.
   *
   * @param isStored true if the store has removed the room already. Default: `false`
   */
  left(room: string, isStored?: boolean): Promise<void>;

  /** Removes a room that the client may not be in, also where only the store has it. Never rejects. */
  refused(room: string): Promise<void>;

  /** The stream has ended. */
  ended(): void;
}
