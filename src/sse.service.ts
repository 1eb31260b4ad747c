import { Inject, Injectable, Logger } from '@nestjs/common';
import { map, type Observable, type Subscription } from 'rxjs';
import type { BrokerState } from './broker/broker.interface.js';
import type { CloseReason } from './connection/close-reason.js';
import { SseClient } from './connection/sse-client.js';
import type { JoinOptions } from './connection/sse-client.interface.js';
import { openRawStream } from './endpoint/raw-stream.js';
import { Presence } from './presence/presence.js';
import type { ResolvedSseOptions } from './resolve-options.js';
import { EVERYONE, checkRoom, checkRooms, type RoomName } from './protocol/room-name.js';
import { stackOf } from './protocol/error-text.js';
import { checkUser, type SseIdentity } from './protocol/user-name.js';
import type { SendOptions } from './rooms/event-publisher.js';
import { RoomHub } from './rooms/room-hub.js';
import { toSseMessage, type SseMessage } from './rooms/sse-message.js';
import { SsePresenceService } from './sse-presence.service.js';
import type { AddOptions, BroadcastOptions } from './sse-service-options.interface.js';
import { RESOLVED_SSE_OPTIONS } from './sse.constants.js';

/**
 * What an application calls: rooms, clients and events, on this node and, through the broker, on every other.
 *
 * `Events` maps event names to their data, checked by the compiler: `constructor(private readonly sse:
 * SseService<{ paid: { id: number } }>)`.
 */
@Injectable()
export class SseService<Events extends object = Record<string, unknown>> extends SsePresenceService {
  readonly #logger = new Logger(SseService.name);
  readonly #hub: RoomHub;
  readonly #options: ResolvedSseOptions;

  constructor(hub: RoomHub, @Inject(RESOLVED_SSE_OPTIONS) options: ResolvedSseOptions, presence: Presence) {
    super(presence);
    this.#hub = hub;
    this.#options = options;
  }

  /** Emits each client when its stream opens. Completes when the application closes. */
  get connected$(): Observable<{ client: SseClient }> {
    return this.#hub.connected$;
  }

  /** Emits each client when its stream ends, with the reason; also a client whose stream was refused. */
  get disconnected$(): Observable<{ client: SseClient; reason: CloseReason }> {
    return this.#hub.disconnected$;
  }

  /** Whether events from other nodes arrive: the broker's state now, and each change of it. */
  get brokerState$(): Observable<BrokerState> {
    return this.#hub.brokerState$;
  }

  /**
   * Opens a stream on a request and response of Node, Express or Fastify, for handlers that own their response. The
   * headers go out at once, and `send`, `join` and `setRetry` may follow without `await`: rooms joined in the same turn
   * are resumed from the request's `Last-Event-ID`.
   *
   * @throws SseError `unsupported-response`, `response-already-sent`, `invalid-room`, `invalid-retry`
   */
  add(request: unknown, response: unknown, options: AddOptions = {}): SseClient {
    const { rooms, retryMs = this.#options.retryMs } = options;
    return openRawStream(this.#hub, request, response, { rooms, retryMs });
  }

  /**
   * Sets after how many milliseconds the client reconnects.
   *
   * @throws SseError `invalid-retry` unless it is a whole number, 0 or more
   */
  setRetry(client: SseClient, retryMs: number): void {
    client.setRetry(retryMs);
  }

  /**
   * Lets the client join a room. Settles once this node hears the room; before its stream opens, at once.
   *
   * @returns `false` when it was in already, and for `'*'`
   * @throws SseError `invalid-room`; where nobody takes it, it is logged
   */
  join(client: SseClient, room: RoomName, options?: JoinOptions): Promise<boolean> {
    return client.join(room, options);
  }

  /**
   * Takes the client out of one room, or with `'*'` out of every room.
   *
   * @throws SseError `invalid-room`
   */
  leave(client: SseClient, room: RoomName): void;
  /**
   * Takes all clients of a user out of one room, or with `'*'` out of every room, on every node.
   *
   * @returns settles when the broker has passed it on; nodes that it cannot reach now do not hear of it
   * @throws SseError `invalid-user`, `invalid-room`, `unsupported-by-broker`, `broker-closed`, `broker-unavailable`: the promise
   * rejects. Where nobody takes it, the failure is logged.
   */
  leave(user: Pick<SseIdentity, 'user'>, room: RoomName): Promise<void>;
  leave(who: SseClient | Pick<SseIdentity, 'user'>, room: RoomName): void | Promise<void> {
    return who instanceof SseClient ? who.leave(room) : this.leaveUser(who.user, room);
  }

  /** Whether the client is in the room; always `true` for `'*'`, and `false` for what is no room. */
  in(client: SseClient, room: RoomName): boolean {
    return client.in(room);
  }

  /**
   * Sends an event to one client. `send(client, data)` has no event name.
   *
   * @returns whether it was accepted; `false` for a client that is closed or too slow
   * @throws SseError `invalid-data`, `invalid-event-name`, `invalid-id`, `invalid-arguments`, `id-not-allowed`
   */
  send(client: SseClient, data: unknown): boolean;
  send(client: SseClient, event: undefined, data: unknown, options?: SendOptions): boolean;
  send<Name extends keyof Events & string>(
    client: SseClient,
    event: Name | undefined,
    data: Events[Name],
    options?: SendOptions,
  ): boolean;
  send(client: SseClient, ...parts: unknown[]): boolean {
    return this.#hub.send(client, parts);
  }

  /**
   * Publishes one event to a room, or to a list of rooms at one position: each client receives it once. `'*'` is
   * everyone. `broadcast(room, data)` has no event name.
   *
   * @returns settles when the broker has accepted the event, with its position (the event's `id:`), or `undefined` for
   * an event that cannot be resumed from: volatile, or of rooms without history
   * @throws SseError `invalid-room`, `invalid-data`, `invalid-event-name`, `invalid-arguments`, `broker-closed`,
   * `broker-unavailable`: the promise rejects. Where nobody takes it, the failure is logged and the process goes on.
   */
  broadcast(room: RoomName | readonly RoomName[], data: unknown): Promise<string | undefined>;
  broadcast(
    room: RoomName | readonly RoomName[],
    event: undefined,
    data: unknown,
    options?: BroadcastOptions,
  ): Promise<string | undefined>;
  broadcast<Name extends keyof Events & string>(
    room: RoomName | readonly RoomName[],
    event: Name | undefined,
    data: Events[Name],
    options?: BroadcastOptions,
  ): Promise<string | undefined>;
  broadcast(room: RoomName | readonly RoomName[], ...parts: unknown[]): Promise<string | undefined> {
    return this.#hub.publish(() => {
      const options = parts[2] as BroadcastOptions | undefined;
      if (options?.except !== undefined)
        parts[2] = { ...options, except: [options.except].flat().map(nameOf) };
      return checkRooms(room);
    }, parts);
  }

  /** Forgets a client without closing its connection: it leaves its rooms and hears nothing any more. */
  remove(client: SseClient): void {
    client.connection.close('removed');
  }

  /**
   * The clients of a room on this node, or all of them: a live view, in the order of joining.
   *
   * @throws SseError `invalid-room`
   */
  clients(room: RoomName = EVERYONE): ReadonlySet<SseClient> {
    return this.#hub.clientsOf(checkRoom(room));
  }

  /** The rooms that a client or a subscriber of this node is in. */
  rooms(): string[] {
    return this.#hub.roomNames();
  }

  /**
   * How many clients are in a room on this node, or connected at all.
   *
   * @throws SseError `invalid-room`
   */
  count(room: RoomName = EVERYONE): number {
    return this.clients(room).size;
  }

  /**
   * What a room hears, wherever it was published. A subscriber counts as interest in the room, as a client does.
   * Completes when the application closes.
   *
   * @throws SseError `invalid-room`
   */
  stream(room: RoomName): Observable<SseMessage> {
    const name = checkRoom(room);
    return this.#hub.observeRoom(name).pipe(map((message) => toSseMessage(name, message)));
  }

  /**
   * Publishes each value of an Observable to a room. A value that cannot be published is logged; the source's error is
   * logged too, and neither it nor the source's end touches the room.
   *
   * @returns unsubscribe to stop
   * @throws SseError `invalid-room`
   */
  publishFrom(
    room: RoomName | readonly RoomName[],
    source$: Observable<unknown>,
    event?: string,
  ): Subscription {
    const names = checkRooms(room);
    return source$.subscribe({
      next: (value) => void this.#hub.publish(() => names, [event, value]),
      error: (error) =>
        this.#logger.error(`A source published to ${names.join(', ')} failed.`, stackOf(error)),
    });
  }

  /**
   * The position of now, for a page that is rendered with the state of now: opened with `?lastEventId=` and it, the
   * page's stream begins with what came in between. `undefined` with `history: false`.
   *
   * @param rooms the rooms that the page's stream will be in. Without partitions one position stands for all rooms
   * @throws SseError `invalid-room`
   */
  async position(rooms: RoomName | readonly RoomName[] = EVERYONE): Promise<string | undefined> {
    return this.#hub.position(checkRooms(rooms));
  }

  /** @internal */
  get internals(): { readonly hub: RoomHub; readonly options: ResolvedSseOptions } {
    return { hub: this.#hub, options: this.#options };
  }
}

/** As `PublishOptions.except` names them. */
function nameOf(who: SseClient | Pick<SseIdentity, 'user'>): string {
  return who instanceof SseClient ? who.id : `user:${checkUser(who.user)}`;
}
