import type { JsonValue } from '../protocol/json-value.js';
import type { RoomName } from '../protocol/input/room-name.js';
import type { SameSite } from './ticket-cookies.js';

/** Content of a redeemed ticket. It never changes. */
export interface SseTicket {
  /** Name of the user: `client.user` of the stream. */
  readonly user: string;
  /** Rooms that the stream may join; `undefined` where the ticket does not restrict them. */
  readonly rooms: readonly string[] | undefined;
  /** As `info` of an identity. */
  readonly info: JsonValue | undefined;
  /** End of the identity, at which the stream ends. */
  readonly expiresAt: Date | undefined;
}

/** The argument of `sse.tickets.issue`. */
export interface IssueOptions {
  /** Name of the user: 1 to 255 characters, or a number. */
  readonly user: string | number;
  /**
   * Rooms that the stream may join. An endpoint with another room answers 403, and `@SseRoom(ticketRooms)` joins exactly these.
   * `[]` allows none. Default: the ticket does not restrict the rooms of an endpoint.
   */
  readonly rooms?: RoomName | readonly RoomName[];
  /** Milliseconds in which the ticket must be redeemed, 1 to 60,000. Default: 30,000. */
  readonly ttlMs?: number;
  /** Data for other members of rooms with presence, as in `SseIdentity`. Default: none. */
  readonly info?: JsonValue;
  /** End of the identity, as in `SseIdentity`: the stream ends before it, and no reconnect is accepted after it. Default: none. */
  readonly expiresAt?: number | Date;
}

/** The option `tickets` of `SseModule`. */
export interface SseTicketOptions {
  /**
   * Checks the rights of a ticket's user, each time that the ticket is redeemed and each time that its client reconnects: the
   * user may have been locked since. Anything but `true` is answered with 403; an exception is the answer to the request. May
   * wait, which delays that request alone. Default: the guards of the route decide alone.
   */
  readonly authorize?: (ticket: SseTicket, request: never) => boolean | Promise<boolean>;
  /** Name of the query parameter. Default: `'ticket'`. */
  readonly parameter?: string;
  /**
   * Milliseconds, from the first answer on, for which the cookie of that answer lets the client reconnect with the same URL: 1,000
   * to 86,400,000. A large value keeps a text in the broker for as long; after a small one a client needs a new ticket sooner.
   * `false` sets no cookie. Default: 3,600,000 (an hour).
   */
  readonly continueForMs?: number | false;
  /** `SameSite` of that cookie. `'none'` is for pages of another site. Default: `'strict'`. */
  readonly sameSite?: SameSite;
  /** Path of that cookie, for proxies that change paths. Default: the path of the request. */
  readonly cookiePath?: string;
}
