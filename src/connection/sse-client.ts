import { EVERYONE, asText, type RoomName } from '../protocol/input/room-name.js';
import type { RetryTime } from '../protocol/input/retry-time.js';
import type { ClientIdentity } from '../protocol/input/user-name.js';
import { ignoreRejection } from '../protocol/thenable.js';
import { AskedValues } from './asked-values.js';
import type { ClientConnection } from './client-connection.js';
import type { ClientSession } from './client-session.interface.js';
import type { CloseReason } from './close-reason.js';
import type { JoinOptions, PendingJoins, SseClientContext } from './sse-client.interface.js';

/** Carries out a client's calls, and is notified of its end: the hub of its node. */
export interface ClientHost {
  join(client: SseClient, room: RoomName, options?: JoinOptions): Promise<boolean>;
  leave(client: SseClient, room: RoomName): unknown;
  send(client: SseClient, parts: readonly unknown[]): boolean;
  setRetry(client: SseClient, retryMs: RetryTime): void;
  clientClosed(client: SseClient, reason: CloseReason): void;
}

/** @internal */
export type SseClientInit = Pick<SseClient, 'id' | 'request' | 'lastEventId'> & {
  readonly host: ClientHost;
};

/**
 * One connection of a browser or another client: its stream is open, or about to open. `@ConnectedClient()` injects it
 * and `SseService.add()` returns it. A client that reconnects is a new `SseClient`.
 *
 * ```ts
 * @Get('events')
 * @SseRoom()
 * async events(@ConnectedClient() client: SseClient) {
 *   await client.join('news');
 *   client.send('welcome', { rooms: [...client.rooms] });
 * }
 * ```
 */
export class SseClient {
  /** A UUID, unique among all nodes. The event `sse:ready` carries it. */
  readonly id: string;
  /** The request as controllers receive it, of Express or Fastify. Its `rawHeaders` are empty once the stream is open. */
  readonly request: unknown;
  /** Header `Last-Event-ID`, else the query parameter `lastEventId`, else `undefined`. Untrusted: check it before use. */
  readonly lastEventId: string | undefined;
  /** `undefined` for no room, a string for one, a Set for more: a Set costs 150 bytes, and most clients are in one. */
  #rooms: string | Set<string> | undefined;
  readonly #host: ClientHost;
  #asked: AskedValues | undefined;
  #closeReason: CloseReason | undefined;
  /** @internal */
  connection!: ClientConnection;
  /** Called once when the stream ends. Cheaper than the promise `closed`. @internal */
  onceClosed: ((reason: CloseReason) => void) | undefined;
  /** Rooms that the client is in and does not receive yet; `undefined` for none. @internal */
  joining: PendingJoins | undefined;
  /** Slot that the client occupies in the limits of its node. @internal */
  slot: { release(): void } | undefined;
  /** Session whose key is in the URL of the stream. @internal */
  session: ClientSession | undefined;
  /** Reconnection time in milliseconds, of `setRetry` or the stream's options; `undefined` before the opening. @internal */
  retryMs: RetryTime | false | undefined;
  /** True if the stream ends with the handler's source, `'without rooms'` in no room; `undefined` without one. @internal */
  endOnComplete: boolean | 'without rooms' | undefined;
  /** True if only events of the application are written for this client, and none of the room `*`. @internal */
  isPure = false;
  /** Result of the option `identify`, from the opening of the stream on. @internal */
  identity: ClientIdentity | undefined;

  /** @internal */
  constructor({ id, request, lastEventId, host }: SseClientInit) {
    [this.id, this.request, this.lastEventId] = [id, request, lastEventId];
    this.#host = host;
  }

  /** Names of the client's rooms in the order of joining, without `'*'`. A live view: it changes with joins and leaves. */
  get rooms(): ReadonlySet<string> {
    return this.#roomSet();
  }

  /** Name of the user, from the option `identify`; `undefined` before the stream opens, and where `identify` gives none. */
  get user(): string | undefined {
    return this.identity?.user;
  }

  /** End of the client's time, from `expiresAt` of its identity; `undefined` for none. */
  get expiresAt(): Date | undefined {
    return this.identity?.expiresAtMs === undefined ? undefined : new Date(this.identity.expiresAtMs);
  }

  /** Object for the application's own values, empty at first. The module never reads or sends it. */
  get context(): SseClientContext {
    return (this.#asked ??= new AskedValues()).context;
  }

  /** Signal that aborts when the stream ends. Its `reason` is the `CloseReason`. Aborted already on a closed client. */
  get signal(): AbortSignal {
    return (this.#asked ??= new AskedValues()).signal(this.#closeReason);
  }

  /** Resolves with the reason when the stream ends; at once on a closed client. Never rejects. */
  get closed(): Promise<CloseReason> {
    return (this.#asked ??= new AskedValues()).closed(this.#closeReason);
  }

  /** `true` once the stream has ended. */
  get isClosed(): boolean {
    return this.#closeReason !== undefined;
  }

  /** Sends an event without a name to this client alone. As `send(event, data)` otherwise. */
  send(data: unknown): boolean;
  /**
   * Sends an event to this client alone. It carries no id, so it is not replayed after a reconnection. Before the stream
   * opens, it waits.
   *
   * @param event name for `addEventListener`; `undefined` for none. `error`, `open`, names that begin with
   * `sse:` and names with a line break are refused
   * @param data a string as it is; anything else by way of the module option `serialize`
   * @returns `true` if it was queued; `false` if the client is closed or was too slow for it
   * @throws SseError `invalid-data`, `invalid-event-name`, `invalid-arguments`
   */
  send(event: string | undefined, data: unknown): boolean;
  send(...parts: unknown[]): boolean {
    return this.#host.send(this, parts);
  }

  /**
   * Joins a room: the client receives its events from now on.
   *
   * The promise resolves once the broker delivers the room to this node; with `replay`, once these events are queued;
   * before the stream opens, at once. While the broker is unreachable it stays pending. If history cannot be read for
   * `replay`, the client is closed as `broker-unavailable`.
   *
   * @returns `true` if the client joined; `false` if it was in the room, is closed, or the room is `'*'`
   * @throws SseError `invalid-room`, `invalid-arguments`; the promise rejects
   */
  join(room: RoomName, options?: JoinOptions): Promise<boolean> {
    return this.#host.join(this, room, options);
  }

  /**
   * Leaves a room, or with `'*'` every room. Does nothing if the client is not in it.
   *
   * @throws SseError `invalid-room`
   */
  leave(room: RoomName): void {
    ignoreRejection(this.#host.leave(this, room));
  }

  /** `true` if the client is in the room. Always `true` for `'*'`, always `false` for an invalid name. */
  in(room: RoomName): boolean {
    const name = asText(room);
    return typeof name === 'string' && (name === EVERYONE || this.isIn(name));
  }

  /**
   * Sets the reconnection time of the client in milliseconds (HTML standard, 9.2.6: field `retry`), a random one of a range.
   * Before the stream opens it replaces the option `retryMs`; afterwards it is sent at once. 0 reconnects without delay.
   * @throws SseError `invalid-retry` unless it is a whole number, 0 or more, or `{ minMs, maxMs }`
   */
  setRetry(retryMs: RetryTime): void {
    this.#host.setRetry(this, retryMs);
  }

  /**
   * Ends the stream once queued events are sent, with the reason `closed`. A stream that is not open yet opens first.
   * Does nothing on a closed client.
   *
   * A native `EventSource` reconnects by itself. To prevent it, answer its next request with status 204 (HTML standard,
   * 9.2.3).
   */
  close(): void {
    this.connection.end('closed');
  }

  /** True if the stream ends once the source of its handler has. @internal */
  get endsWithSource(): boolean {
    if (this.endOnComplete !== 'without rooms') return this.endOnComplete === true;
    return this.roomCount === 0 && this.session === undefined;
  }

  /** Returns `true` if the client or its user is listed in the `except` of an event. @internal */
  isAmong(except: readonly string[]): boolean {
    return (
      except.includes(this.id) ||
      (this.identity !== undefined && except.includes(`user:${this.identity.user}`))
    );
  }

  /** Like `in`, for a checked name. @internal */
  isIn(room: string): boolean {
    return this.#rooms instanceof Set ? this.#rooms.has(room) : this.#rooms === room;
  }

  /** Size of `rooms`. @internal */
  get roomCount(): number {
    if (this.#rooms instanceof Set) return this.#rooms.size;
    return this.#rooms === undefined ? 0 : 1;
  }

  /** Copy of `rooms`. @internal */
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

  /** Called once by the connection, when the stream has ended. @internal */
  connectionClosed(reason: CloseReason): void {
    this.#host.clientClosed(this, reason);
  }

  /** Settles `closed` and `signal`. @internal */
  settle(reason: CloseReason): void {
    this.#closeReason = reason;
    this.slot?.release();
    this.#asked?.settle(reason);
    this.onceClosed?.(reason);
    this.onceClosed = undefined;
  }

  #roomSet(): Set<string> {
    if (!(this.#rooms instanceof Set)) this.#rooms = new Set(this.roomNames());
    return this.#rooms;
  }
}
