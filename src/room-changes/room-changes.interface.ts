import type { Replay } from '../protocol/input/replay-option.js';

/**
 * Decides for one room that a page asks for: `true`, `false` (403), or an exception, whose status and message the page
 * receives. Asynchronous where needed. Called once for each room, for all rooms of a request at once.
 */
export type DecideRoom = (room: string) => boolean | Promise<boolean>;

/** What a handler with `@SseRoomChanges()` returns: a function that decides for each room, or one decision for all of them. */
export type RoomDecision = DecideRoom | boolean;

/** A room that the stream has not joined, and why. */
export interface RefusedRoom {
  readonly room: string;
  /** HTTP status of the reason, such as 403. */
  readonly status: number;
  readonly message: string;
}

/** The answer of a route with `@SseRoomChanges()`. */
export interface RoomChangesAnswer {
  /** Rooms of the request that the stream is in now, also where it was in them before. */
  readonly joined: readonly string[];
  /** Rooms of the request that the stream is not in now, also where it was not in them before. */
  readonly left: readonly string[];
  readonly refused: readonly RefusedRoom[];
}

/** Options of `@SseRoomChanges()`. */
export interface SseRoomChangesOptions<Request = never> {
  /**
   * Rooms that one request may name, 1 or more, to join and to leave together. A request with more is answered with 400. With a
   * large number one request costs as many decisions and joins. Default: 100.
   */
  readonly maxRooms?: number;
  /**
   * Milliseconds for the handler, and then for the decisions, 1 or more. A handler that takes longer is answered with 503; a
   * room whose decision takes longer is refused with 503. Default: 5,000.
   */
  readonly timeoutMs?: number;
  /** The newest events of a room that a stream receives first when it joins, as in `join`. Default: 0, none. */
  readonly replay?: Replay;
  /**
   * Returns the user of the request, who must be the user of the stream; `undefined` for none. Needed where streams are opened
   * with tickets alone. Default: the module option `identify`, called with a client that has the request and no stream.
   */
  readonly user?: (request: Request) => string | number | undefined;
}

/** Options with their values. */
export type RoomChangesMetadata = SseRoomChangesOptions &
  Required<Pick<SseRoomChangesOptions, 'maxRooms' | 'timeoutMs' | 'replay'>>;
