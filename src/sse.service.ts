import { Inject, Injectable } from '@nestjs/common';
import { map, type Observable, type Subscription } from 'rxjs';
import type { BrokerState } from './broker/broker.interface.js';
import type { PresenceCount } from './broker/presence-store.interface.js';
import { isRemoteTarget, type RemoteTarget } from './commands/command-target.js';
import { RemoteCommands, type DisconnectOptions, type RemoteOptions } from './commands/remote-commands.js';
import type { CloseReason } from './connection/close-reason.js';
import { SseClient } from './connection/sse-client.js';
import type { JoinOptions } from './connection/sse-client.interface.js';
import { Drain } from './drain/drain.js';
import { healthOf, type SseHealth } from './drain/sse-health.js';
import { publishSource } from './endpoint/publish-source.js';
import { openRawStream } from './endpoint/raw-stream.js';
import { checkAddOptions, destinationOf, leaveOwn, withExcluded } from './endpoint/service-arguments.js';
import { broadcastCall, reported } from './rooms/publish/reported-call.js';
import { StreamLimits } from './limits/stream-limits.js';
import { Presence } from './presence/presence.js';
import { EVERYONE, checkRoom, checkRooms, type RoomName } from './protocol/input/room-name.js';
import type { RetryTime } from './protocol/input/retry-time.js';
import type { PresenceChange } from './protocol/presence-event.js';
import type { PublicMethod } from './protocol/sse-error.js';
import type { SseMember } from './protocol/sse-member.js';
import type { SseRuntime } from './sse.module-definition.js';
import type { ResolvedSseOptions } from './resolve-options.js';
import { checkClient } from './rooms/publish/call-arguments.js';
import type { EventToPublish, SendOptions } from './rooms/publish/event-publisher.js';
import type { EventData, EventName, UnnamedData } from './rooms/publish/event-map.js';
import type { RoomArgument, RoomsArgument, RoomsList, RoomsNamed } from './rooms/publish/room-arguments.js';
import type { SseDestination } from './rooms/publish/sse-destination.js';
import { toSseMessage, type SseMessage } from './rooms/publish/sse-message.js';
import { RoomHub } from './rooms/room-hub.js';
import { SseRuns } from './runs/sse-runs.js';
import { StreamSessions } from './sessions/stream-sessions.js';
import type { AddOptions, BroadcastOptions, Rooms } from './sse-service-options.interface.js';
import { SseTickets } from './tickets/sse-tickets.js';
import { RESOLVED_SSE_OPTIONS } from './sse.constants.js';

/**
 * The service that applications inject: clients and rooms of this node, and events, presence and commands of all nodes.
 *
 * `Events` maps event names to the types of their data, for the compiler: `constructor(private readonly sse:
 * SseService<{ paid: { id: number } }>)`. Of a contract, `SseService<typeof events>`, the compiler checks rooms too.
 *
 * A rejected promise of `join`, `leave`, `broadcast` or `disconnect` that is not awaited is logged; the process goes on.
 */
@Injectable()
export class SseService<Events extends object = object> {
  constructor(
    private readonly hub: RoomHub,
    @Inject(RESOLVED_SSE_OPTIONS) private readonly options: ResolvedSseOptions,
    private readonly allPresence: Presence,
    private readonly commands: RemoteCommands,
    private readonly limits: StreamLimits,
    private readonly oneTimeTickets: SseTickets,
    private readonly draining: Drain,
    @Inject(StreamSessions) private readonly sessions: StreamSessions | undefined,
    private readonly allRuns: SseRuns,
  ) {}

  /**
   * Opens a stream on a request and response of Node, Express or Fastify, for a handler that owns its response. The
   * headers are sent at once, without `onSend` hooks of Fastify. `send`, `join` and `setRetry` may follow without `await`:
   * rooms joined in the same turn of the event loop are resumed from the request's `Last-Event-ID`.
   * @throws SseError `unsupported-response`, `response-already-sent`, `invalid-room`, `invalid-retry`, `invalid-arguments`
   */
  add(request: unknown, response: unknown, options: AddOptions = {}): SseClient {
    const { rooms, retryMs = this.options.retryMs } = checkAddOptions(options);
    const { limits, options: rules, sessions } = this;
    const onFailure = (error: unknown): void => this.hub.report(error, 'add()');
    const isDraining = this.draining.hasBegun;
    const opening = { rooms, retryMs, isDraining, limits, rules, sessions, onFailure };
    return openRawStream(this.hub, request, response, opening);
  }

  /** One-time tickets for clients that can send no header: `await sse.tickets.issue({ user, rooms })`. */
  get tickets(): SseTickets {
    return this.oneTimeTickets;
  }

  /** Producers with a name, whose events every client gets that follows them: `await sse.runs.start('imports/7', rows)`. */
  get runs(): SseRuns {
    return this.allRuns;
  }

  /** Sets the client's reconnection time in milliseconds, or a range of them. @throws SseError `invalid-retry` */
  setRetry(client: SseClient, retryMs: RetryTime): void {
    checkClient('setRetry', client).setRetry(retryMs);
  }

  /**
   * Adds the client to a room. Settles when the broker delivers the room to this node; before the stream opens, at once.
   *
   * @returns `false` where the client was in the room already, and for `'*'`
   * @throws SseError `invalid-room`, `invalid-arguments`: the promise rejects
   */
  join(client: SseClient, room: RoomName, options?: JoinOptions): Promise<boolean>;
  /**
   * Adds clients of all nodes to a room: one by its id, a user's, or all that are in another room. Every event that any node
   * publishes to the room after it has settled reaches them. With `replay`, the newest events of the room go to each first.
   *
   * ```ts
   * const streams = await sse.join({ user: 7 }, 'orders/1', { replay: 10 });
   * ```
   *
   * @returns settles with the number of streams in the room that match, once the nodes of all clients have done it
   * @throws SseError as `disconnect`: the promise rejects
   */
  join(target: RemoteTarget, room: RoomName, options?: JoinOptions & RemoteOptions): Promise<number>;
  join(target: SseClient | RemoteTarget, room: RoomName, options?: object): Promise<boolean | number> {
    if (target instanceof SseClient || !isRemoteTarget(target))
      return this.hub.join(target, room, options, join);
    return this.#remote(join, [target, room], () => this.commands.join(target, room, options));
  }

  /** Takes the client out of one room; with `'*'` out of every room. @throws SseError `invalid-room` */
  leave(client: SseClient, room: RoomName): void;
  /**
   * Takes clients of all nodes out of one room; with `'*'` out of every room.
   *
   * @returns settles with the number of streams that match, once all nodes have done it
   * @throws SseError as `disconnect`: the promise rejects
   */
  leave(target: RemoteTarget, room: RoomName, options?: RemoteOptions): Promise<number>;
  leave(target: SseClient | RemoteTarget, room: RoomName, options?: RemoteOptions): void | Promise<number> {
    if (target instanceof SseClient) return leaveOwn(target, room, options);
    return this.#remote(leave, [target, room], () => this.commands.leave(target, room, options));
  }

  /**
   * Sends an event to one client. `send(client, data)` has no event name.
   *
   * @returns whether the client accepted the event; `false` where it is closed or too slow
   * @throws SseError `invalid-data`, `invalid-event-name`, `invalid-id`, `invalid-arguments`, `id-not-allowed`
   */
  send<const Data>(client: SseClient, data: UnnamedData<Events, Data>): boolean;
  send<Name extends EventName<Events> | undefined>(
    client: SseClient,
    event: Name,
    data: EventData<Events, Name>,
    options?: SendOptions,
  ): boolean;
  /**
   * Sends an event to clients of all nodes. It is not stored, and carries no id.
   *
   * @returns settles with the number of streams that have accepted it, once all nodes have answered
   * @throws SseError `invalid-data`, `invalid-event-name`, and as `disconnect`: the promise rejects
   */
  send<const Data>(target: RemoteTarget, data: UnnamedData<Events, Data>): Promise<number>;
  send<Name extends EventName<Events> | undefined>(
    target: RemoteTarget,
    event: Name,
    data: EventData<Events, Name>,
    options?: Pick<SendOptions, 'volatile'> & RemoteOptions,
  ): Promise<number>;
  send(target: SseClient | RemoteTarget, ...parts: unknown[]): boolean | Promise<number> {
    if (target instanceof SseClient || !isRemoteTarget(target))
      return this.hub.send(checkClient('send', target), parts);
    const work = async (): Promise<number> => this.commands.send(target, this.hub.events.remoteEvent(parts));
    return this.#remote(send, [target], work);
  }

  /**
   * Publishes one event to a room, or to a list of rooms at one position: each client receives it once. `'*'` is all
   * clients. `broadcast(room, data)` has no event name.
   *
   * @returns settles when the broker has accepted the event, with its position (the event's `id:`); with `undefined` for an
   * event that cannot be replayed: volatile, or in rooms without history
   * @throws SseError `invalid-room`, `invalid-data`, `invalid-event-name`, `invalid-arguments`, `broker-closed`,
   * `broker-unavailable`: the promise rejects
   */
  broadcast<const Room extends RoomsArgument<Events>, const Data>(
    room: Room,
    data: UnnamedData<Events, Data, Room>,
  ): Promise<string | undefined>;
  broadcast<const Room extends RoomsArgument<Events>, Name extends EventName<Events, Room> | undefined>(
    room: Room,
    event: Name,
    data: EventData<Events, Name, Room>,
    options?: BroadcastOptions,
  ): Promise<string | undefined>;
  broadcast(room: Rooms, ...parts: unknown[]): Promise<string | undefined> {
    return this.hub.publish(broadcastCall(broadcast, room, parts), () => this.#event(room, parts));
  }

  /**
   * Validates the arguments of a `broadcast`, and serializes its data.
   *
   * @returns publishes the event, and settles as `broadcast`
   * @internal
   */
  prepare(room: Rooms, ...parts: unknown[]): () => Promise<string | undefined> {
    const publish = this.hub.events.prepare(this.#event(room, parts));
    return () => this.hub.beforeClose(publish());
  }

  #event(room: Rooms, parts: readonly unknown[]): EventToPublish {
    return { parts: withExcluded(parts, this.commands.hasUsers), rooms: this.#rooms(room) };
  }

  /**
   * Rooms for events that some clients do not receive. It never changes, and may be kept: `sse.to('a', 'b').except(client)`.
   * @throws SseError `invalid-room`
   */
  to<const R extends RoomsList<Events>>(...rooms: R): SseDestination<Events, RoomsNamed<Events, R>> {
    return destinationOf(this.hub, this.commands, this.options, rooms);
  }

  /**
   * Asks the option `authorizeRoom` again for the rooms of open streams on every node, also those that their endpoints named:
   * all rooms of a user's streams, or one room of all streams in it. Streams leave the rooms that are refused now. A stream that
   * is between two connections is asked when its session comes back. Call it when permissions have changed.
   *
   * ```ts
   * await sse.reauthorize({ user: 7 });
   * ```
   *
   * @returns settles with the number of streams that match, once all nodes have done it
   * @throws SseError as `disconnect`: the promise rejects. `broker-unavailable` also where `authorizeRoom` failed: then rooms
   * that it could not decide about stay joined
   */
  reauthorize(target: RemoteTarget, options?: RemoteOptions): Promise<number> {
    return this.#remote(reauthorize, [target], () => this.commands.reauthorize(target, options));
  }

  /**
   * Ends streams on every node after what is queued: one client's, a user's, a room's, or those of the members of a room that
   * `where` accepts. Browsers reconnect by themselves, after `retryMs`: to keep a user away, let a guard refuse the next
   * request (401, 403), or answer it with 204.
   *
   * @returns settles with the number of streams that match, once all nodes have done it
   * @throws SseError `invalid-arguments`, `invalid-room`, `invalid-user`, `invalid-retry`, `no-presence`,
   * `unsupported-by-broker`, `broker-closed`, `broker-unavailable`: the promise rejects. `broker-unavailable` names the nodes
   * that have not answered within `timeoutMs`, and says whether the others have done it
   */
  disconnect(target: SseClient | RemoteTarget, options?: DisconnectOptions): Promise<number> {
    return this.#remote(disconnect, [target], () =>
      target instanceof SseClient
        ? this.commands.disconnectOwn(target, options)
        : this.commands.disconnect(target, options),
    );
  }

  /** Removes a client without closing its connection: it leaves its rooms and receives no further event. */
  remove(client: SseClient): void {
    checkClient('remove', client).connection.close('removed');
  }

  /**
   * Publishes each value of an Observable to a room. A message such as `{ data, type }` is unwrapped, as in a handler; its type
   * precedes `event`. Failures of a value or of the source are reported. The end of the source does not affect the room.
   * @returns the subscription to the source; unsubscribe to stop
   * @throws SseError `invalid-room`; `invalid-arguments` if the source is no Observable
   */
  publishFrom<
    const R extends RoomsArgument<Events>,
    Name extends EventName<Events, R> | undefined = undefined,
  >(room: R, source$: Observable<EventData<Events, Name, R>>, event?: Name, ...rest: never[]): Subscription {
    return publishSource(this.hub, source$, this.#rooms(room), event, rest);
  }

  /**
   * Takes this node out of service before `app.close()`, as a `preStop` hook of Kubernetes does: `health()` is `draining`, new
   * streams are refused, and the open ones end over `drainWindowMs`. Other routes go on, and so do publishes. `app.close()` does
   * the same, and waits for a drain that has begun. Cannot be undone.
   *
   * @returns settles when every stream has ended; a second call waits for the first. Never rejects
   */
  drain(): Promise<void> {
    return this.draining.run();
  }

  /** The state of this node, for probes and pages of an operator. Costs nothing: the broker is not asked. */
  health(): SseHealth {
    const { draining: drain, limits, hub } = this;
    return healthOf({ drain, limits, broker: hub.observables.brokerState.value });
  }

  /** Emits each client when its stream opens. Completes when the application closes. */
  get connected$(): Observable<{ client: SseClient }> {
    return this.hub.observables.connected$;
  }

  /** Emits each client and the reason when its stream ends or is refused. Completes when the application closes. */
  get disconnected$(): Observable<{ client: SseClient; reason: CloseReason }> {
    return this.hub.observables.disconnected$;
  }

  /** Emits the broker's state on subscription, then each change. Events of other nodes arrive while it is `live`. */
  get brokerState$(): Observable<BrokerState> {
    return this.hub.observables.brokerState$;
  }

  /** Why `brokerState$` is not `live`, in the words of Redis or the network; otherwise `undefined`. */
  get brokerError(): Error | undefined {
    return this.hub.brokerFailure();
  }

  /** True if the client is in the room; always `true` for `'*'`, and `false` for a value that is no room name. */
  in(client: SseClient, room: RoomName): boolean {
    return checkClient('in', client).in(room);
  }

  /** A live view of the clients of a room on this node; by default of all clients. @throws SseError `invalid-room` */
  clients(room: RoomName = EVERYONE): ReadonlySet<SseClient> {
    return this.hub.clientsOf(this.#room(room));
  }

  /** The rooms with at least one client or subscriber on this node. */
  rooms(): string[] {
    return this.hub.roomNames();
  }

  /** The size of `clients(room)`. @throws SseError `invalid-room` */
  count(room: RoomName = EVERYONE): number {
    return this.clients(room).size;
  }

  /**
   * All members of a room over all nodes, ordered by user, in one list: 10,000 members with 100 bytes of info take more
   * than a megabyte. Settles when the broker has answered.
   * @throws SseError `invalid-room`, `no-presence`, `broker-closed`, `broker-unavailable`: the promise rejects
   */
  async presence(room: RoomName): Promise<SseMember[]> {
    return this.allPresence.members(this.#room(room));
  }

  /** The number of users and streams in a room over all nodes, at the same cost for any size. Rejects as `presence` does. */
  async presenceCount(room: RoomName): Promise<PresenceCount> {
    return this.allPresence.count(this.#room(room));
  }

  /**
   * Emits each user that joins a room with the first stream, or leaves it with the last, over all nodes. A subscriber counts
   * as interest in the room. For a complete list, subscribe first and call `presence(room)` then. The joins and leaves of a user
   * alternate. Changes that an outage hid follow within 20 s after it. Completes when the application closes. Throws as
   * `presence` rejects.
   */
  presence$(room: RoomName): Observable<PresenceChange> {
    return this.allPresence.changes(this.#room(room));
  }

  /**
   * Emits the events of a room, from all nodes, and completes when the application closes. A subscriber counts as interest in
   * the room, as a client does. @throws SseError `invalid-room`
   */
  stream<const Room extends RoomArgument<Events>>(room: Room): Observable<SseMessage<Events, Room>> {
    const name = this.#room(room);
    return this.hub.observeRoom(name).pipe(map((message) => toSseMessage<Events, Room>(name, message)));
  }

  /**
   * The current position, for a page rendered with the current state. The page opens its stream with it as `?lastEventId=`,
   * and the stream begins with the events published in between. `undefined` with `history: false`. `rooms` are those of the
   * page's stream; without partitions one position serves all rooms.
   * @throws SseError `invalid-room`: the promise rejects
   */
  async position(rooms: Rooms = EVERYONE): Promise<string | undefined> {
    return this.hub.position(this.#rooms(rooms));
  }

  #room(room: RoomName): string {
    return checkRoom(room, this.options);
  }

  #rooms(rooms: Rooms): string[] {
    return checkRooms(rooms, this.options);
  }

  #remote(method: PublicMethod, args: readonly unknown[], work: () => Promise<number>): Promise<number> {
    return reported(method, args, () => this.hub.beforeClose(work()), this.hub.report);
  }

  /** @internal */
  get internals(): Omit<SseRuntime, 'log' | 'serve'> {
    const {
      hub,
      options,
      limits,
      commands,
      oneTimeTickets: tickets,
      draining: drain,
      sessions,
      allRuns: runs,
    } = this;
    return { hub, options, limits, commands, tickets, drain, sessions, runs, presence: this.allPresence };
  }
}

// oxlint-disable-next-line typescript/unbound-method -- compared with the functions of a stack, never called
const { broadcast, disconnect, join, leave, reauthorize, send } = SseService.prototype;
