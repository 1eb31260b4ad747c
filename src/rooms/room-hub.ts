import { randomUUID } from 'node:crypto';
import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import type { BrokerState, PartitionedBroker, SseBroker } from '../broker/broker.interface.js';
import { ClientConnection } from '../connection/client-connection.js';
import type { CloseReason } from '../connection/close-reason.js';
import { ConnectionServices, type ConnectionOptions } from '../connection/connection-services.js';
import type { ResponseWriter } from '../connection/response/response-writer.js';
import { SseClient, type ClientHost } from '../connection/sse-client.js';
import type { JoinOptions } from '../connection/sse-client.interface.js';
import { checkRetry } from '../protocol/event-fields.js';
import { encodeEvent, type SseFields } from '../protocol/encode-event.js';
import type { RoomMessage } from '../protocol/room-message.js';
import { EVERYONE, checkRoom, type RoomName } from '../protocol/room-name.js';
import type { SerializeData } from '../protocol/serialize-data.js';
import type { ClientObserver } from './client-observer.interface.js';
import { LossNotifier } from './resume/loss-notifier.js';
import { EventPublisher, type SendTraits } from './event-publisher.js';
import { Partitions } from './partitions.js';
import { ReplayQueue, type AttachTiming } from './resume/replay-queue.js';
import { ReportedPromise } from './reported-promise.js';
import { RoomRegistry } from './room-registry.js';
import type { RoomPolicy } from './room-policy.js';

export interface HubOptions extends ConnectionOptions {
  readonly broker: SseBroker | PartitionedBroker;
  readonly policy: RoomPolicy;
  readonly readyEvent: boolean;
  readonly serialize: SerializeData;
  /** Failures that no caller takes. */
  readonly report: (error: unknown) => void;
  readonly observer?: ClientObserver;
}

export interface NewClient {
  readonly request: unknown;
  readonly writer: ResponseWriter;
  readonly lastEventId: string | undefined;
  /** Whether room events carry their ids on this stream. */
  readonly tracksPosition: boolean;
  /** Whether what it hears is held from now on, until `attach`. */
  readonly held: boolean;
}

const NOBODY: ReadonlySet<SseClient> = new Set();

/** Where clients, rooms and the broker of one node meet. */
export class RoomHub implements ClientHost {
  readonly #options: HubOptions;
  readonly #partitions: Partitions;
  readonly #delivery: ConnectionServices;
  readonly #rooms: RoomRegistry;
  readonly #connected = new Subject<{ client: SseClient }>();
  readonly #disconnected = new Subject<{ client: SseClient; reason: CloseReason }>();
  readonly #brokerState = new BehaviorSubject<BrokerState>('down');
  readonly brokerState$: Observable<BrokerState> = this.#brokerState.asObservable();
  readonly connected$: Observable<{ client: SseClient }> = this.#connected.asObservable();
  readonly disconnected$: Observable<{ client: SseClient; reason: CloseReason }> =
    this.#disconnected.asObservable();
  readonly #replays: ReplayQueue;
  readonly #events: EventPublisher;
  #closing: Promise<void> | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#partitions = new Partitions(options.broker);
    this.#delivery = new ConnectionServices(options);
    this.#rooms = new RoomRegistry(this.#partitions, options.report, options.observer);
    this.#events = new EventPublisher(this.#partitions, options);
    this.#replays = new ReplayQueue(this.#partitions, this.#rooms, options.policy, options.report);
  }

  async start(): Promise<void> {
    const announcements = new LossNotifier(this.clients, this.#partitions);
    await this.#partitions.start(this.#options.policy, {
      onMessage: (message) => this.#receive(message),
      onStateChange: (state) => {
        if (state !== this.#brokerState.value) this.#brokerState.next(state);
      },
      onEpochChange: (partition, epoch) => announcements.epoch(partition, epoch),
      onGap: (rooms) => announcements.gap(rooms),
      onControl: (text) => this.#options.observer?.controlReceived(text),
    });
    this.#rooms.start();
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  get clients(): ReadonlySet<SseClient> {
    return this.#rooms.everyone.clients;
  }

  clientsOf(room: string): ReadonlySet<SseClient> {
    return this.#rooms.get(room)?.clients ?? NOBODY;
  }

  roomNames(): string[] {
    return this.#rooms.names();
  }

  observeRoom(room: string): Observable<RoomMessage> {
    return this.#rooms.observe(room);
  }

  /** Pending where somebody here wants the room and the broker does not deliver it yet. */
  whenSubscribed(room: string): Promise<void> | undefined {
    return this.#rooms.get(room)?.subscribed;
  }

  /** Makes a client whose stream is not open yet: it can join rooms, and what it hears waits. */
  register({ request, writer, lastEventId, tracksPosition, held }: NewClient): SseClient {
    const client = new SseClient({ id: randomUUID(), request, lastEventId, tracksPosition, host: this });
    this.#rooms.everyone.clients.add(client);
    client.connection = new ClientConnection(client, writer, this.#delivery, this.#partitions.cursor());
    if (held) client.connection.shutGate();
    return client;
  }

  /** Sends the headers. `retry` is the first line, so that it stands in the same block as the first event. */
  open(client: SseClient, headers: Readonly<Record<string, unknown>>, retryMs: number | false): void {
    if (client.isClosed) return;
    const retry = client.retryMs ?? retryMs;
    client.connection.open(headers, retry === false ? '' : encodeEvent({ retry }));
    this.#options.observer?.clientOpened(client);
    this.#connected.next({ client });
  }

  /** Brings a client whose stream is open to live; see `Replays.attach`. */
  attach(client: SseClient, { ready, nextTurn = false }: AttachTiming): Promise<void> {
    return this.#replays.attach(client, { ready: ready && this.#options.readyEvent, nextTurn });
  }

  join(client: SseClient, room: RoomName, options: JoinOptions = {}): Promise<boolean> {
    return ReportedPromise.of(async () => {
      const name = checkRoom(room);
      if (name === EVERYONE || client.isClosed || client.isIn(name)) return false;
      // Its stream has rooms, then; before it opens, what it hears waits for what it missed.
      if (!client.connection.isOpen || client.tracksWhenJoined) client.tracksPosition = true;
      if (!client.connection.isOpen) client.connection.shutGate();
      const { replay = 0 } = options;
      const replays = replay > 0 && client.connection.isOpen && !client.resumesNextTurn;
      if (replays && this.#options.policy.keepsHistory) {
        return this.#replays.join(client, name, replay);
      }
      const { subscribed } = this.#rooms.join(client, name);
      // A handler that awaits it must return for its stream to open; there, attaching waits for the room.
      if (client.connection.isOpen) await subscribed;
      else client.joinedBeforeSubscribed ||= subscribed !== undefined;
      return true;
    }, this.#options.report);
  }

  leave(client: SseClient, room: RoomName): void {
    const name = checkRoom(room);
    if (name === EVERYONE) this.#rooms.leaveAll(client);
    else this.#rooms.leave(client, name);
  }

  send(client: SseClient, parts: readonly unknown[]): boolean {
    return this.#events.send(client, parts);
  }

  sendFields(client: SseClient, fields: SseFields, traits?: SendTraits): boolean {
    return this.#events.sendFields(client, fields, traits);
  }

  setRetry(client: SseClient, retryMs: number): void {
    const retry = checkRetry(retryMs);
    if (client.connection.isOpen) this.sendFields(client, { retry });
    else client.retryMs = retry;
  }

  clientClosed(client: SseClient, reason: CloseReason): void {
    this.#rooms.leaveAll(client);
    this.#rooms.everyone.clients.delete(client);
    client.settle(reason);
    this.#disconnected.next({ client, reason });
  }

  /** @returns the event's position as clients see it, or `undefined` where it cannot be resumed from */
  publish(rooms: () => readonly string[], parts: readonly unknown[]): Promise<string | undefined> {
    return ReportedPromise.of(() => this.#events.publish(rooms(), parts), this.#options.report);
  }

  /** The position of now for these rooms, or `undefined` without history. */
  async position(rooms: readonly string[]): Promise<string | undefined> {
    if (!this.#options.policy.keepsHistory) return undefined;
    return this.#partitions.format(await this.#partitions.currentPosition([EVERYONE, ...rooms]));
  }

  /** Ends every stream. Resolves when their connections are closed, at the latest after the grace time. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const ended = Array.from(this.clients, (client) => client.connection.ended());
    for (const client of this.clients) client.connection.close('shutdown');
    this.#delivery.http2Sessions.close();
    await Promise.all(ended);
    await this.#options.observer?.closing();
    await this.#partitions.close();
    this.#rooms.close();
    this.#connected.complete();
    this.#brokerState.complete();
    this.#disconnected.complete();
  }

  #receive(message: RoomMessage): void {
    if (this.#options.observer?.admits(message) === false) return;
    let delivered = 0;
    for (const name of message.rooms) {
      const room = this.#rooms.get(name);
      if (room === undefined) continue;
      room.messages.next(message);
      delivered += room.delivered;
    }
    this.#delivery.metrics.eventDelivered(delivered);
  }
}
