import { randomUUID } from 'node:crypto';
import { BehaviorSubject, Subject, type Observable } from 'rxjs';
import type { BrokerState, SseBroker } from '../broker/broker.interface.js';
import { ClientConnection } from '../connection/client-connection.js';
import type { CloseReason } from '../connection/close-reason.js';
import { Delivery, type DeliveryOptions } from '../connection/delivery.js';
import type { ResponseWriter } from '../connection/response-writer.js';
import { SseClient, type ClientHome, type JoinOptions } from '../connection/sse-client.js';
import { checkRetry } from '../protocol/event-fields.js';
import { encodeEvent, type SseFields } from '../protocol/encode-event.js';
import { formatPosition } from '../protocol/position.js';
import type { RoomMessage } from '../protocol/room-message.js';
import { EVERYONE, checkRoom, type RoomName } from '../protocol/room-name.js';
import type { SerializeData } from '../protocol/serialize-data.js';
import { Events, type SendTraits } from './events.js';
import { gapFrame, positionFrame } from './control-events.js';
import { Replays } from './replays.js';
import { ReportedPromise } from './reported-promise.js';
import { RoomRegistry } from './room-registry.js';
import type { RoomPolicy } from './room-policy.js';

export interface HubOptions extends DeliveryOptions {
  readonly broker: SseBroker;
  readonly policy: RoomPolicy;
  readonly readyEvent: boolean;
  readonly serialize: SerializeData;
  /** Failures that no caller takes. */
  readonly report: (error: unknown) => void;
}

export interface NewClient {
  readonly request: unknown;
  readonly writer: ResponseWriter;
  readonly lastEventId: string | undefined;
  /** Whether room events carry their ids on this stream. */
  readonly tracked: boolean;
  /** Whether what it hears is held from now on, until `attach`. */
  readonly held: boolean;
}

const NOBODY: ReadonlySet<SseClient> = new Set();

/** Where clients, rooms and the broker of one node meet. */
export class RoomHub implements ClientHome {
  readonly #options: HubOptions;
  readonly #broker: SseBroker;
  readonly #delivery: Delivery;
  readonly #rooms: RoomRegistry;
  readonly #connected = new Subject<{ client: SseClient }>();
  readonly #disconnected = new Subject<{ client: SseClient; reason: CloseReason }>();
  readonly #brokerState = new BehaviorSubject<BrokerState>('down');
  readonly brokerState$: Observable<BrokerState> = this.#brokerState.asObservable();
  readonly connected$: Observable<{ client: SseClient }> = this.#connected.asObservable();
  readonly disconnected$: Observable<{ client: SseClient; reason: CloseReason }> =
    this.#disconnected.asObservable();
  readonly #replays: Replays;
  readonly #events: Events;
  #closing: Promise<void> | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#broker = options.broker;
    this.#delivery = new Delivery(options, (client, reason) => this.#forget(client, reason));
    this.#rooms = new RoomRegistry(options.broker, options.report);
    this.#events = new Events(options);
    this.#replays = new Replays(options.broker, this.#rooms, options.policy, options.report);
  }

  async start(): Promise<void> {
    await this.#broker.start(this.#options.policy, {
      onMessage: (message) => this.#receive(message),
      onStateChange: (state) => this.#brokerState.next(state),
      onEpochChange: (epoch) => this.#announceEpoch(epoch),
      onGap: (rooms) => this.#announceGap(rooms),
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

  watch(room: string): Observable<RoomMessage> {
    return this.#rooms.watch(room);
  }

  /** Makes a client whose stream is not open yet: it can join rooms, and what it hears waits. */
  register({ request, writer, lastEventId, tracked, held }: NewClient): SseClient {
    const client = new SseClient({ id: randomUUID(), request, lastEventId, tracked, home: this });
    this.#rooms.everyone.clients.add(client);
    client.connection = new ClientConnection(client, writer, this.#delivery, this.#broker.position);
    if (held) client.connection.shutGate();
    return client;
  }

  /** Sends the headers. `retry` is the first line, so that it stands in the same block as the first event. */
  open(client: SseClient, headers: Readonly<Record<string, unknown>>, retryMs: number | false): void {
    if (client.isClosed) return;
    const retry = client.retryMs ?? retryMs;
    client.connection.open(headers, retry === false ? '' : encodeEvent({ retry }));
    this.#connected.next({ client });
  }

  /** Brings a client whose stream is open to live; see `Replays.attach`. */
  attach(client: SseClient, { ready }: { readonly ready: boolean }): Promise<void> {
    return this.#replays.attach(client, { ready: ready && this.#options.readyEvent });
  }

  join(client: SseClient, room: RoomName, options: JoinOptions = {}): Promise<boolean> {
    return ReportedPromise.of(async () => {
      const name = checkRoom(room);
      if (name === EVERYONE || client.isClosed || client.isIn(name)) return false;
      // Its stream has rooms, then; before it opens, what it hears waits for what it missed.
      if (!client.connection.isOpen || client.tracksWhenJoined) client.tracked = true;
      if (!client.connection.isOpen) client.connection.shutGate();
      const { replay = 0 } = options;
      if (replay > 0 && client.connection.isOpen && this.#options.policy.keepsHistory) {
        return this.#replays.join(client, name, replay);
      }
      const { subscribed } = this.#rooms.enter(client, name);
      // A handler that awaits it must return for its stream to open; there, attaching waits for the room.
      if (client.connection.isOpen) await subscribed;
      else client.joinedBeforeHeard ||= subscribed !== undefined;
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

  /** @returns the event's position as clients see it, or `undefined` where it cannot be resumed from */
  publish(rooms: () => readonly string[], parts: readonly unknown[]): Promise<string | undefined> {
    return ReportedPromise.of(() => this.#events.publish(rooms(), parts), this.#options.report);
  }

  /** The position of now, or `undefined` without history. */
  position(): string | undefined {
    const { keepsHistory } = this.#options.policy;
    return keepsHistory ? formatPosition(this.#broker.epoch, this.#broker.position) : undefined;
  }

  /** Ends every stream. Resolves when their connections are closed, at the latest after the grace time. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const ended = Array.from(this.clients, (client) => client.connection.ended());
    for (const client of this.clients) client.connection.close('shutdown');
    this.#delivery.sessions.close();
    await Promise.all(ended);
    await this.#broker.close();
    this.#rooms.close();
    this.#connected.complete();
    this.#brokerState.complete();
    this.#disconnected.complete();
  }

  #announceEpoch(epoch: string): void {
    for (const client of this.clients) {
      if (!client.tracked) continue;
      // Positions of the new memory may be smaller, where a clock was set back.
      client.connection.position = Math.min(client.connection.position, this.#broker.position);
      client.connection.deliver(gapFrame([EVERYONE, ...client.roomNames()], 'epoch'));
      client.connection.deliver(positionFrame({ epoch, position: this.#broker.position }));
    }
  }

  #announceGap(rooms: readonly string[]): void {
    for (const client of this.clients) {
      const own = client.tracked ? rooms.filter((room) => client.in(room)) : [];
      if (own.length > 0) client.connection.deliver(gapFrame(own, 'trimmed'));
    }
  }

  #receive(message: RoomMessage): void {
    let delivered = 0;
    for (const name of message.rooms) {
      const room = this.#rooms.get(name);
      if (room === undefined) continue;
      room.messages.next(message);
      delivered += room.delivered;
    }
    this.#delivery.metrics.eventDelivered(delivered);
  }

  #forget(client: SseClient, reason: CloseReason): void {
    this.#rooms.leaveAll(client);
    this.#rooms.everyone.clients.delete(client);
    client.settle(reason);
    this.#disconnected.next({ client, reason });
  }
}
