/** Rooms that a page joins and leaves, as the body of a request to the route with `@SseRoomChanges()`. */
export interface RoomChanges {
  /** Key of the session, which is in the URL of the stream. */
  readonly session: string;
  readonly join: readonly string[];
  readonly leave: readonly string[];
}

/** A room that the server does not let the page join. */
export interface RefusedRoom {
  readonly room: string;
  readonly status: number;
  readonly message: string;
}

/** Answer of the route with `@SseRoomChanges()`. */
export interface RoomChangesAnswer {
  readonly refused: readonly RefusedRoom[];
}

/**
 * Sends one request that changes rooms, and returns the answer of the server. A rejection is tried again later.
 *
 * @param signal aborts when the answer is of no use any more
 */
export type ChangeRooms = (
  changes: RoomChanges,
  signal: AbortSignal,
) => RoomChangesAnswer | Promise<RoomChangesAnswer>;

/** The route with `@SseRoomChanges()`, and the requests to it. */
export interface RoomsOptions {
  /** URL of the route, relative to the page. */
  readonly url: string | URL;
  /** Headers of each request, or a function that returns them. Default: the option `headers` of the client. */
  readonly headers?:
    | Readonly<Record<string, string>>
    | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)
    | undefined;
  /** True to send cookies to another origin. Default: the option `withCredentials` of the client. */
  readonly withCredentials?: boolean;
}
