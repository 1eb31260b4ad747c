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

  /**
   * Stores a room that the client has joined.
   *
   * @returns settles when it is stored; with `false` where the stream has ended, or another one has the session
   * @throws SseError `broker-unavailable`, `too-many-rooms`
   */
  joined(room: string, point: ResumePoint): Promise<boolean>;

  /** Settles when a room that the client is in is stored, if it is one to be stored. */
  saved(room: string): Promise<unknown> | undefined;

  /** Removes a room, with `'*'` all rooms. Settles when that is stored, or will be tried again. Never rejects. */
  left(room: string): Promise<void>;

  /** The stream has ended. */
  ended(): void;
}
