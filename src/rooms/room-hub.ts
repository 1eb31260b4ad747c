import { randomUUID } from 'node:crypto';
import type { Observable } from 'rxjs';
import type { CallbackFailures } from '../callbacks/callback-failures.js';
import { ClientConnection } from '../connection/client-connection.js';
import type { CloseReason } from '../connection/close-reason.js';
import { ConnectionServices } from '../connection/connection-services.js';
import { SseClient, type ClientHost } from '../connection/sse-client.js';
import type { JoinOptions, RunTimeJoin } from '../connection/sse-client.interface.js';
import type { SseGauges } from '../metrics/sse-metrics.interface.js';
import { checkRetryTime, drawRetry, type RetryTime } from '../protocol/input/retry-time.js';
import { encodeEvent } from '../protocol/encode-event.js';
import { RoomMessage, type RoomEvent } from '../protocol/room-message.js';
import type { ResumePoint } from '../protocol/position.js';
import type { PublicMethod } from '../protocol/sse-error.js';
import { EVERYONE, type RoomName } from '../protocol/input/room-name.js';
import { RoomAuthorizer } from './authorize/room-authorizer.js';
import { EventDelivery } from './event-delivery.js';
import { HubObservables } from './hub-observables.js';
import { HubShutdown } from './hub-shutdown.js';
import { LossNotifier } from './resume/loss-notifier.js';
import { EventPublisher, type EventToPublish } from './publish/event-publisher.js';
import { Partitions } from './partitions/partitions.js';
import type { PartitionsListener } from './partitions/partitions-listener.interface.js';
import { ClientResumes } from './resume/client-resumes.js';
import { ReportedPromise, type PublicCall, type ReportFailure } from './reported-promise.js';
import type { HubOptions, NewClient, Opening } from './room-hub.interface.js';
import { RoomJoins } from './room-joins.js';
import { RoomRegistry } from './room-registry.js';

const NO_CLIENTS: ReadonlySet<SseClient> = new Set();

/** Connects the clients, the rooms and the broker of one node. */
export class RoomHub implements ClientHost {
  readonly #options: HubOptions;
  readonly #partitions: Partitions;
  readonly connections: ConnectionServices;
  readonly #rooms: RoomRegistry;
  readonly observables: HubObservables;
  readonly brokerFailure = (): Error | undefined => this.#partitions.failure;
  /** Takes failures of the application's callbacks. */
  readonly callbacks: CallbackFailures;
  readonly report: ReportFailure;
  readonly #resumes: ClientResumes;
  readonly #joins: RoomJoins;
  readonly authorizer: RoomAuthorizer;
  readonly #delivery: EventDelivery;
  readonly events: EventPublisher;
  readonly #shutdown: HubShutdown;
  /** True if any room has history. */
  readonly hasHistory: boolean;

  constructor(options: HubOptions) {
    this.#options = options;
    this.callbacks = options.callbacks;
    this.report = options.report;
    this.hasHistory = options.policy.hasHistory;
    this.observables = new HubObservables(options.callbacks, options.metrics);
    this.#partitions = new Partitions(options.broker, options.metrics);
    this.connections = new ConnectionServices(options);
    // A subscription that is still pending when the broker closes is rejected; this is no failure.
    const reportWhileOpen = (error: unknown): void => void (this.isClosing || options.report(error));
    this.#rooms = new RoomRegistry(this.#partitions, reportWhileOpen, options);
    this.events = new EventPublisher(this.#partitions, options);
    this.#resumes = new ClientResumes(
      { ...options, partitions: this.#partitions, rooms: this.#rooms, hasHistory: this.hasHistory },
      options.report,
    );
    this.authorizer = new RoomAuthorizer(options.policy, options.callbacks);
    this.#joins = new RoomJoins({
      authorizer: this.authorizer,
      options,
      partitions: this.#partitions,
      rooms: this.#rooms,
      resumes: this.#resumes,
    });
    this.#delivery = new EventDelivery(options, this.#rooms, this.connections.flushScheduler);
    this.#shutdown = new HubShutdown({
      ...options,
      partitions: this.#partitions,
      connections: this.connections,
      rooms: this.#rooms,
      resumes: this.#resumes,
      observables: this.observables,
    });
  }

  /** Starts the broker, and subscribes the room of all clients without `subscribesLater`. Settles when it may be used. */
  async start({ subscribesLater = false } = {}): Promise<void> {
    const losses = new LossNotifier(this.clients, this.#partitions, this.#options.metrics, this.#resumes);
    const listener: PartitionsListener = {
      onMessage: (message) => this.#delivery.receive(message),
      onStateChange: (state) => {
        // Of several partitions another one may have been interrupted.
        if (state !== 'down') this.#options.observer?.messagesLost();
        this.observables.brokerStateIs(state);
      },
      onEpochChange: (partition, current, laterRooms) => {
        losses.notifyEpochChange(partition, current, laterRooms);
        this.#options.observer?.messagesLost();
        this.#options.onEpochChange?.();
      },
      onGap: (rooms, laterRooms) => losses.notifyGap(rooms, laterRooms),
      onControl: (text, arrival) => this.#options.onControl?.(text, arrival),
      onLog: this.#options.onBrokerLog,
      subscribesLater,
    };
    await this.#partitions.start(this.#options.policy, listener);
    if (!subscribesLater) this.subscribe();
  }

  /** Subscribes the room of all clients, where `start` has left that out. */
  readonly subscribe = (): void => void this.#rooms.start();

  get isClosing(): boolean {
    return this.#shutdown.hasBegun;
  }

  /** All clients of this node. */
  get clients(): ReadonlySet<SseClient> {
    return this.#rooms.roomOfAll.clients;
  }

  readonly clientsOf = (room: string): ReadonlySet<SseClient> => this.#rooms.get(room)?.clients ?? NO_CLIENTS;
  readonly roomNames = (): string[] => this.#rooms.names();
  /** Number of clients of a room. Creates no Set for a room of one client, unlike `clientsOf`. */
  readonly roomSize = (room: string): number => this.#rooms.get(room)?.size ?? 0;

  readonly observeRoom = (room: string): Observable<RoomMessage> => this.#rooms.observe(room);

  /** Takes a client out of the room of all clients and out of every count: its stream belongs to a page of this package. */
  readonly hide = (client: SseClient): void => this.#rooms.hide(client);
  readonly isHidden = (client: SseClient): boolean => this.#rooms.hidden.has(client);

  /** Pending while this node has interest in the room and the broker does not deliver it yet. */
  whenSubscribed(room: string): Promise<void> | undefined {
    return this.#rooms.get(room)?.subscribed;
  }

  /** Delivers an event without a position to this node's part of a room, as if the broker had delivered it. */
  deliver(room: string, event: RoomEvent): void {
    const { epoch } = this.#partitions.of(room);
    this.#delivery.receive(new RoomMessage(event, { rooms: [room], epoch, position: 0, replayable: false }));
  }

  /** Creates a client whose stream is not open yet. It can join rooms, and its events wait. */
  register({ request, writer, lastEventId, held, ...tracking }: NewClient): SseClient {
    const client = new SseClient({ id: randomUUID(), request, lastEventId, host: this });
    this.#rooms.roomOfAll.add(client);
    client.connection = new ClientConnection(client, writer, this.connections, this.#partitions.cursor());
    client.connection.tracksPosition = tracking.tracksPosition;
    client.connection.tracksPositionOnceJoined = tracking.tracksPositionOnceJoined ?? false;
    if (held) client.connection.shutGate();
    if (this.#rooms.start() && held) this.#resumes.joinedBeforeSubscribed(client);
    return client;
  }

  /**
   * Sends the headers, and `retry` as the first line, in the same block as the first event. Then begins to bring the client
   * to live delivery, as in `ClientResumes.attach`: what subscribers of `connected$` join or send follows `sse:ready`.
   */
  open(client: SseClient, headers: Readonly<Record<string, unknown>>, opening: Opening): void {
    if (client.isClosed) return;
    const retry = drawRetry((client.retryMs ??= opening.retryMs));
    const timing = { nextTurn: false, ready: this.#options.readyEvent, ...opening };
    const ready = this.observables.connected.observed ? undefined : this.#resumes.readyAtOnce(client, timing);
    client.connection.open(headers, (retry === false ? '' : encodeEvent({ retry })) + (ready ?? ''));
    this.#options.observer?.clientOpened(client);
    if (ready === undefined) void this.#resumes.attach(client, timing);
    else client.connection.openGate();
    this.#joins.opened(client);
    if (!this.isHidden(client)) this.observables.clientConnected(client);
  }

  /** Settles when the client is live; `undefined` for a client that is. Never rejects. */
  readonly caughtUp = (client: SseClient): Promise<void> | undefined => this.#resumes.finished(client);
  readonly joinAtRequest = (client: SseClient, room: string): void => this.#joins.joinAtRequest(client, room);

  join(client: SseClient, room: RoomName, options?: JoinOptions, method?: PublicMethod): Promise<boolean> {
    return this.#joins.join(client, room, options, method);
  }

  joinAtRunTime(client: SseClient, room: string, options: RunTimeJoin): Promise<boolean> {
    return this.#joins.joinAtRunTime(client, room, options);
  }

  readonly leave = (client: SseClient, room: RoomName, isStored?: boolean): Promise<void> | undefined =>
    this.#joins.leave(client, room, isStored);

  readonly reauthorize = (client: SseClient, room: string | undefined): Promise<void> =>
    this.#joins.reauthorize(client, room);

  /** The positions of some rooms at the broker now, by room: one read for each partition. Waits while it cannot be reached. */
  async livePoints(rooms: readonly string[], signal: AbortSignal): Promise<Map<string, ResumePoint>> {
    const points = await this.#partitions.livePosition(rooms, signal);
    const pointOf = (room: string): ResumePoint => {
      const partition = this.#partitions.partitionOf(room);
      return points.get(partition) ?? this.#partitions.positionOf(partition);
    };
    return new Map(rooms.map((room) => [room, pointOf(room)]));
  }

  send(client: SseClient, parts: readonly unknown[]): boolean {
    return this.events.send(client, parts);
  }

  setRetry(client: SseClient, retryMs: RetryTime): void {
    client.retryMs = checkRetryTime(retryMs);
    const retry = drawRetry(client.retryMs);
    if (client.connection.isOpen && retry !== false) this.events.sendFields(client, { retry });
  }

  clientClosed(client: SseClient, reason: CloseReason): void {
    this.#resumes.delete(client);
    client.session?.ended();
    this.#joins.opened(client);
    const isHidden = this.isHidden(client);
    this.#rooms.forget(client);
    client.settle(reason);
    if (!isHidden) this.observables.disconnected.next({ client, reason });
  }

  /**
   * Publishes one event.
   *
   * @param call the call of the application, for a log of its failure
   * @param event validates the arguments. An error that it throws rejects the promise
   * @returns the event's position, as in `id:`; `undefined` for an event that cannot be replayed
   */
  publish(call: PublicCall, event: () => EventToPublish): Promise<string | undefined> {
    return ReportedPromise.of(call, () => this.beforeClose(this.events.publish(event())), this.report);
  }

  /** Makes `close` wait for a call to the broker. @returns the call */
  readonly beforeClose = <T>(call: Promise<T>): Promise<T> => this.#shutdown.waitFor(call);

  /** The current position of some rooms, or `undefined` without history. */
  async position(rooms: readonly string[]): Promise<string | undefined> {
    if (!this.hasHistory) return undefined;
    return this.#partitions.format(await this.#partitions.currentPosition([EVERYONE, ...rooms]));
  }

  /** Current values for metrics; `undefined` once the hub closes. */
  gauges(ofRuns: Pick<SseGauges, 'runs' | 'runFollowers'>): SseGauges | undefined {
    const { isClosing, connections } = this;
    return isClosing ? undefined : { ...connections.slowClients(), rooms: this.#rooms.count, ...ofRuns };
  }

  /** As in `HubShutdown.close`. */
  readonly close = (endStreams?: () => Promise<void>): Promise<void> => this.#shutdown.close(endStreams);
}
