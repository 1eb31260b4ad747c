import type { Position } from '../../protocol/position.js';
import { RoomMap } from '../../protocol/collections/room-map.js';
import { RoomMessage, type RoomEvent } from '../../protocol/room-message.js';
import { brokerClosedError } from '../broker-closed-error.js';
import type {
  BrokerListener,
  HistoryPage,
  HistoryPolicy,
  PublishOptions,
  PublishReceipt,
  ReadOptions,
  SseBroker,
} from '../broker.interface.js';
import type { BrokerNode } from '../control-channel.interface.js';
import { IdempotencyKeys } from '../idempotency-keys.js';
import { MemoryHistory } from './memory-history.js';
import { MemoryPresence } from './memory-presence.js';
import { newEpoch } from '../new-epoch.js';
import { PositionClock } from './position-clock.js';
import { MemoryRuns } from './memory-runs.js';
import { MemorySessions } from './memory-sessions.js';
import { MemoryTickets } from './memory-tickets.js';
import { MemoryUserStreams } from './memory-user-streams.js';
import type { PresenceStore } from '../presence-store.interface.js';
import type { RunStore } from '../run-store.interface.js';
import type { SessionStore } from '../session-store.interface.js';
import type { TicketStore } from '../ticket-store.interface.js';
import type { UserStreamStore } from '../user-stream-store.interface.js';

/**
 * A broker for a single node, with its history in the process. It passes the same contract as a shared broker.
 *
 * Events are delivered inside `publish`, before its promise settles. An event published during the delivery of another
 * is queued, so that all rooms receive events in the order of their positions.
 */
export class MemoryBroker implements SseBroker {
  readonly epoch = newEpoch();
  readonly nodeId = newEpoch();
  readonly #clock = new PositionClock();
  readonly #keys = new IdempotencyKeys();
  readonly #subscribed = new RoomMap<true>();
  readonly #undelivered: RoomMessage[] = [];
  readonly #members = new MemoryPresence(
    (room, event) => {
      if (!this.#subscribed.has(room)) return;
      this.#deliver(
        new RoomMessage(event, { rooms: [room], epoch: this.epoch, position: 0, replayable: false }),
      );
    },
    () => this.#running(),
  );
  readonly presence: PresenceStore = this.#members;
  readonly #tickets = new MemoryTickets(() => this.#running());
  readonly tickets: TicketStore = this.#tickets;
  readonly #sessions = new MemorySessions(
    () => this.#running(),
    () => ({ epoch: this.epoch, position: this.position }),
  );
  readonly sessions: SessionStore = this.#sessions;
  readonly #runs = new MemoryRuns(() => this.#running());
  readonly runs: RunStore = this.#runs;
  readonly #userStreams = new MemoryUserStreams(() => this.#running());
  readonly userStreams: UserStreamStore = this.#userStreams;
  #delivering = false;
  #history: MemoryHistory | undefined;
  #listener: BrokerListener | undefined;

  get position(): Position {
    return this.#clock.last;
  }

  async start(policy: HistoryPolicy, listener: BrokerListener): Promise<void> {
    this.#history = new MemoryHistory(policy);
    this.#listener = listener;
    listener.onStateChange('live');
  }

  async publish(
    rooms: readonly string[],
    event: RoomEvent,
    { except, volatile = false, idempotencyKey, copies, trace }: PublishOptions,
  ): Promise<PublishReceipt> {
    const history = this.#running();
    const known = idempotencyKey === undefined ? undefined : this.#keys.get(idempotencyKey);
    if (known !== undefined) return { ...known, duplicate: true };

    const replayable = !volatile && rooms.some((room) => history.keepsHistoryOf(room));
    const position = this.#clock.next();
    const receipt = { epoch: this.epoch, position, replayable, duplicate: false };
    if (idempotencyKey !== undefined) this.#keys.set(idempotencyKey, receipt);
    const message = new RoomMessage(event, {
      rooms,
      epoch: this.epoch,
      position,
      replayable,
      volatile,
      except,
      copies,
      trace,
    });
    if (replayable) history.add(message);
    if (rooms.some((room) => this.#subscribed.has(room))) this.#deliver(message);
    return receipt;
  }

  subscribe(room: string): void {
    this.#running();
    this.#subscribed.set(room, true);
  }

  async unsubscribe(room: string): Promise<void> {
    this.#subscribed.delete(room);
  }

  async read(
    rooms: readonly string[],
    after: Position | undefined,
    newest = 0,
    { maxBytes }: ReadOptions = {},
  ): Promise<HistoryPage> {
    const history = this.#running();
    const slice =
      after === undefined
        ? history.newest(rooms, newest)
        : history.after(rooms, after, this.#clock.next(), maxBytes);
    const last = slice.hasMore ? slice.messages.at(-1) : undefined;
    return { epoch: this.epoch, position: last?.position ?? this.#clock.last, ...slice, isLocal: true };
  }

  async publishControl(text: string): Promise<number> {
    this.#running();
    this.#listener?.onControl?.(text);
    return 1;
  }

  async nodes(): Promise<readonly BrokerNode[]> {
    this.#running();
    return [{ id: this.nodeId, name: 'this process' }];
  }

  async close(): Promise<void> {
    this.#listener = undefined;
    await this.#members.close();
    this.#sessions.close();
    this.#runs.close();
    this.#history?.close();
    this.#keys.clear();
    this.#tickets.close();
    this.#userStreams.close();
    this.#subscribed.clear();
  }

  #running(): MemoryHistory {
    if (this.#history === undefined || this.#listener === undefined) {
      throw brokerClosedError();
    }
    return this.#history;
  }

  #deliver(message: RoomMessage): void {
    this.#undelivered.push(message);
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let next = this.#undelivered.shift(); next !== undefined; next = this.#undelivered.shift()) {
        this.#listener?.onMessage(next);
      }
    } finally {
      this.#delivering = false;
    }
  }
}
