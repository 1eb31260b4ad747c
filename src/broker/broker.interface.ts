import type { Position } from '../protocol/position.js';
import type { EarlierCopy, RoomEvent, RoomMessage } from '../protocol/room-message.js';
import type { PresenceStore } from './presence-store.interface.js';

/** How much of a room a broker remembers. */
export interface RoomHistoryLimits {
  /** Events kept. */
  readonly maxEvents: number;
  /** How long an event is kept, in milliseconds. */
  readonly maxAgeMs: number;
}

/** What is remembered, set once for whatever broker. */
export interface HistoryPolicy {
  /** The limits of one room, or `false` for a room that is not remembered. The same answer every time. */
  limitsOf(room: string): RoomHistoryLimits | false;
  /** Bytes kept over all rooms in a node's own memory. */
  readonly maxBytes: number;
}

/**
 * - `live`: every event of the subscribed rooms arrives.
 * - `syncing`: connected, catching up on what was missed.
 * - `down`: not connected; nothing arrives and `publish` rejects.
 */
export type BrokerState = 'down' | 'syncing' | 'live';

/** What a broker tells the node that started it. Never called from within the node's own call to the broker's methods other than `publish`, `publishControl` and `presence.set`. */
export interface BrokerListener {
  /** One event, in the order of its rooms. A node hears its own events only here. */
  onMessage(message: RoomMessage): void;
  onStateChange(state: BrokerState): void;
  /**
   * Events of these rooms may be missing between what was delivered and what follows: the broker's own catch-up after
   * an outage did not reach back far enough.
   */
  onGap(rooms: readonly string[]): void;
  /** The broker's memory began anew: positions of the old epoch mean nothing any more. */
  onEpochChange(epoch: string): void;
  /** What a node has said to all by `publishControl`. */
  onControl?(text: string): void;
}

/** How an event is published. */
export interface PublishOptions {
  /** Who is left out: ids of clients, and `user:` with a user's name behind it. */
  readonly except?: readonly string[] | undefined;
  /** Not remembered and without an id; for a client that does not read, only the newest of each event name waits. */
  readonly volatile?: boolean;
  /** A second publish with this key within two minutes is not a second event. One space of keys for all rooms. */
  readonly idempotencyKey?: string | undefined;
  /** Where the event went before, in a broker with partitions: `RoomMessage.copies` on every node, also from history. */
  readonly copies?: readonly EarlierCopy[] | undefined;
}

/** What a broker says of an event that it has accepted. */
export interface PublishReceipt {
  readonly epoch: string;
  readonly position: Position;
  /** Whether a resume can bring the event back. */
  readonly replayable: boolean;
  /** Whether the key named an event that had been accepted already; the position is that event's. */
  readonly duplicate: boolean;
}

/** What is remembered of some rooms after a position, as one moment saw it. */
export interface HistoryPage {
  readonly epoch: string;
  /**
   * The moment: every event published later has a greater position. Of rooms that the node hears it may lie before what
   * has been accepted but not arrived yet; never before what the node has heard by the call.
   */
  readonly position: Position;
  /** Ordered by position, each event once however many of the rooms it went to. */
  readonly messages: readonly RoomMessage[];
  /** Rooms of which events may be missing: trimmed, expired or unknown. Their messages are those that are left. */
  readonly incompleteRooms: readonly string[];
  /**
   * `true` for a page that ends at `maxBytes`: it holds every event up to `position`, and the next page begins there.
   * Default: `false`.
   */
  readonly hasMore?: boolean;
}

/**
 * Carries events from node to node and remembers them. Backends know nothing of clients, requests or Nest.
 *
 * The one road: a node hears every event, its own included, through `onMessage` and in one order per room. A backend
 * is accepted when the contract suite (`nestjs-simple-sse/testing`) passes.
 */
export interface SseBroker {
  /** Called once, before anything else. Resolves when the broker may be used; a broker that is `down` may be. */
  start(policy: HistoryPolicy, listener: BrokerListener): Promise<void>;

  /** Names the broker's memory: 8 hexadecimal digits. */
  readonly epoch: string;

  /** The newest position this node knows: all up to here has been delivered to it in its rooms. */
  readonly position: Position;

  /**
   * Publishes one event to several rooms at one position.
   *
   * @returns settles when the broker has accepted the event
   * @throws SseError `broker-closed` after `close()`, `broker-unavailable` while the broker cannot be reached
   */
  publish(rooms: readonly string[], event: RoomEvent, options: PublishOptions): Promise<PublishReceipt>;

  /**
   * Begins to hear a room: at once, where it returns nothing, or from when the promise resolves. A broker that is
   * `down` keeps it pending.
   *
   * @returns may resolve with a position from about the time of the call, and not later: what is in history up to there
   * is from before. Of use where `position` may lag behind, on a node that hears nothing for a while.
   */
  subscribe(room: string): Promise<Position | void> | void;
  unsubscribe(room: string): Promise<void>;

  /**
   * What came after `after` in these rooms, or the newest `newest` events of each where `after` is `undefined`. Without
   * rooms it tells the position of now.
   *
   * @param maxBytes ends a page of events after a position once their data has this many bytes; the page holds one event
   * at least. A broker may ignore it: a resuming client that reads slowly then holds its whole page in memory. Default:
   * no bound
   */
  read(
    rooms: readonly string[],
    after: Position | undefined,
    newest?: number,
    maxBytes?: number,
  ): Promise<HistoryPage>;

  /**
   * Says something to every node, this one included: not remembered, and heard once by each node that can be reached now.
   * Optional: without it, what is meant for clients of other nodes (`disconnect`, `leave` of a user) is refused.
   *
   * @returns settles when the broker has accepted it
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  publishControl?(text: string): Promise<void>;

  /** Who is where. Optional: without it, rooms with presence are refused at start-up. */
  readonly presence?: PresenceStore;

  /** Lets go of everything. Nothing is heard afterwards. */
  close(): Promise<void>;
}

/**
 * Several brokers that share the rooms among them, as one. Each is an order and a memory of its own: what holds of all
 * rooms of one broker (one position, one order) holds within a partition. On every node the same number of them, in the
 * same order.
 */
export interface PartitionedBroker {
  /** 2 to 64. */
  readonly partitions: readonly SseBroker[];
  /** Which of them has the room: the same answer on every node. */
  partitionOf(room: string): number;
}

/** Any broker as one with partitions: one that has none is its only one. */
export function asPartitioned(broker: SseBroker | PartitionedBroker): PartitionedBroker {
  return 'partitions' in broker ? broker : { partitions: [broker], partitionOf: () => 0 };
}
