import { EVERYONE, asText, type RoomName } from '../protocol/room-name.js';
import type { ClientIdentity } from '../protocol/user-name.js';
import type { ClientConnection } from './client-connection.js';
import type { CloseReason } from './close-reason.js';

/**
 * What the application keeps with a client: a user, a tenant, a token. Add typed fields by declaration merging:
 *
 * ```ts
 * declare module 'nestjs-simple-sse' {
 *   interface SseClientContext { user: User }
 * }
 * ```
 */
export interface SseClientContext {
  [key: string]: unknown;
}

/** How a client joins a room. */
export interface JoinOptions {
  /**
   * How many of the room's newest events from history the client gets first; 0, none, by default. They carry no id:
   * they are not what it missed. Has no effect before the stream is open, where `Last-Event-ID` decides.
   */
  readonly replay?: number;
}

/** What a client asks of the house it lives in. */
export interface ClientHost {
  join(client: SseClient, room: RoomName, options?: JoinOptions): Promise<boolean>;
  leave(client: SseClient, room: RoomName): void;
  send(client: SseClient, parts: readonly unknown[]): boolean;
  setRetry(client: SseClient, retryMs: number): void;
}

/** @internal */
export interface SseClientInit {
  readonly id: string;
  readonly request: unknown;
  readonly lastEventId: string | undefined;
  readonly host: ClientHost;
}

/** One open stream, or one about to open: what `@ConnectedClient()` injects and `SseService.add()` returns. */
export class SseClient {
  /** Unique among all nodes; the client itself is told it in `sse:ready`. */
  readonly id: string;
  /** The request as the platform hands it to controllers (Express's or Fastify's own object). */
  readonly request: unknown;
  /** The raw `Last-Event-ID` of the request (or `?lastEventId=`), or `undefined`. Anybody's text: check before use. */
  readonly lastEventId: string | undefined;
  /** None, the only one, or a Set: a Set costs 150 bytes, and most clients are in one room. */
  #rooms: string | Set<string> | undefined;
  readonly #host: ClientHost;
  #context: SseClientContext | undefined;
  #abort: AbortController | undefined;
  #closed: { promise: Promise<CloseReason>; resolve: (reason: CloseReason) => void } | undefined;
  #closeReason: CloseReason | undefined;
  /** @internal */
  connection!: ClientConnection;
  /** Called once when the stream ends: cheaper than a promise for whoever needs only that. @internal */
  onceClosed: ((reason: CloseReason) => void) | undefined;
  /** What `setRetry` said before the stream opened. @internal */
  retryMs: number | undefined;
  /** Who it is, once its stream is open. @internal */
  identity: ClientIdentity | undefined;

  /** @internal */
  constructor(init: SseClientInit) {
    this.id = init.id;
    this.request = init.request;
    this.lastEventId = init.lastEventId;
    this.#host = init.host;
  }

  /** The rooms this client is in, in the order of joining; `'*'`, everyone, is not listed. A live view. */
  get rooms(): ReadonlySet<string> {
    return this.#roomSet();
  }

  /** Who the client is, as `identify` said when its stream opened; `undefined` before, and for nobody in particular. */
  get user(): string | undefined {
    return this.identity?.user;
  }

  /** A bag of the application's own, empty at first. */
  get context(): SseClientContext {
    this.#context ??= {};
    return this.#context;
  }

  /** Aborted when the stream ends, for whatever reason; the reason is the signal's `reason`. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#closeReason !== undefined) this.#abort.abort(this.#closeReason);
    }
    return this.#abort.signal;
  }

  /** Settles with the reason when the stream ends. Never rejects. */
  get closed(): Promise<CloseReason> {
    if (this.#closed === undefined) {
      if (this.#closeReason !== undefined) return Promise.resolve(this.#closeReason);
      let resolve!: (reason: CloseReason) => void;
      this.#closed = { promise: new Promise((settle) => (resolve = settle)), resolve };
    }
    return this.#closed.promise;
  }

  /** Whether the stream has ended. */
  get isClosed(): boolean {
    return this.#closeReason !== undefined;
  }

  /**
   * Sends an event to this client alone. Before the stream opens, the event waits.
   *
   * `send(data)` has no event name; `send(event, data)` has one. Such events carry no id and are not replayed.
   *
   * @returns whether it was accepted; `false` for a client that is closed or too slow
   * @throws SseError `invalid-data`, `invalid-event-name`, `invalid-arguments`
   */
  send(data: unknown): boolean;
  send(event: string | undefined, data: unknown): boolean;
  send(...parts: unknown[]): boolean {
    return this.#host.send(this, parts);
  }

  /**
   * Joins a room. Settles once this node hears the room; before the stream opens, at once.
   *
   * @returns `false` when it was in already, and for `'*'`
   * @throws SseError `invalid-room`
   */
  join(room: RoomName, options?: JoinOptions): Promise<boolean> {
    return this.#host.join(this, room, options);
  }

  /** Leaves one room, or with `'*'` every room. Leaving a room that it is not in does nothing. */
  leave(room: RoomName): void {
    this.#host.leave(this, room);
  }

  /** Whether the client is in the room; always `true` for `'*'`, and `false` for what is no room. */
  in(room: RoomName): boolean {
    const name = asText(room);
    return typeof name === 'string' && (name === EVERYONE || this.isIn(name));
  }

  /**
   * Sets after how many milliseconds the client reconnects. Before the stream opens it takes the place of `retryMs`.
   *
   * @throws SseError `invalid-retry` unless it is a whole number, 0 or more
   */
  setRetry(retryMs: number): void {
    this.#host.setRetry(this, retryMs);
  }

  /**
   * Ends the stream after what is queued; before the stream has opened, as soon as it has. A native `EventSource` comes back by itself; to keep it away, answer its
   * next request with status 204.
   */
  close(): void {
    this.connection.end('closed');
  }

  /** Whether it is one of those that an event leaves out. @internal */
  isAmong(except: readonly string[]): boolean {
    return (
      except.includes(this.id) ||
      (this.identity !== undefined && except.includes(`user:${this.identity.user}`))
    );
  }

  /** `in` for a checked name. @internal */
  isIn(room: string): boolean {
    return this.#rooms instanceof Set ? this.#rooms.has(room) : this.#rooms === room;
  }

  /** A copy of `rooms`. @internal */
  roomNames(): string[] {
    if (this.#rooms instanceof Set) return [...this.#rooms];
    return this.#rooms === undefined ? [] : [this.#rooms];
  }

  /** @internal */
  enter(room: string): void {
    if (this.#rooms === undefined) this.#rooms = room;
    else this.#roomSet().add(room);
  }

  /** @internal */
  exit(room: string): boolean {
    if (this.#rooms instanceof Set) return this.#rooms.delete(room);
    if (this.#rooms !== room) return false;
    this.#rooms = undefined;
    return true;
  }

  /** Called once by the connection. @internal */
  settle(reason: CloseReason): void {
    this.#closeReason = reason;
    this.#closed?.resolve(reason);
    this.#abort?.abort(reason);
    this.onceClosed?.(reason);
    this.onceClosed = undefined;
  }

  #roomSet(): Set<string> {
    if (!(this.#rooms instanceof Set)) this.#rooms = new Set(this.roomNames());
    return this.#rooms;
  }
}
