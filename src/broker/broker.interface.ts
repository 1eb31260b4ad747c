import type { RoomEvent, RoomMessage } from '../protocol/room-message.js';
import type { EarlierCopy, Position } from '../protocol/position.js';
import type { Acknowledge, MissingAcknowledgement } from '../protocol/input/acknowledge.js';
import type { ControlChannel } from './control-channel.interface.js';
import type { PresenceStore } from './presence-store.interface.js';
import type { RunStore } from './run-store.interface.js';
import type { TicketStore } from './ticket-store.interface.js';
import type { SessionStore } from './session-store.interface.js';
import type { UserStreamStore } from './user-stream-store.interface.js';

/** Limits of one room's history. */
export interface RoomHistoryLimits {
  /** Stored events; the oldest are trimmed first. A broker may store more. */
  readonly maxEvents: number;
  /** Age at which a stored event expires, in milliseconds. */
  readonly maxAgeMs: number;
}

/** The history limits of all rooms, given to the broker once, at `start`. */
export interface HistoryPolicy {
  /** Returns the limits of one room, or `false` for a room without history. Always returns the same for one room. */
  limitsOf(room: string): RoomHistoryLimits | false;
  /** The greatest `maxAgeMs` of any room; 0 if no room has history. Default: that of a room that no rule names. */
  readonly longestAgeMs?: number;
  /** The limits of all rooms in words, to compare nodes. Default: those of a room that no rule names. */
  readonly summary?: string;
  /** Bytes of history that a node stores in its own process, over all rooms. */
  readonly maxBytes: number;
}

/**
 * The connection between a node and its broker:
 *
 * - `live`: every event of the subscribed rooms is delivered.
 * - `syncing`: connected, and catching up on events missed during an outage.
 * - `down`: not connected; nothing is delivered and `publish` rejects.
 */
export type BrokerState = 'down' | 'syncing' | 'live';

/** The level of a line of a broker's log, as in Nest's `Logger`: a failure, or its end. */
export type BrokerLogLevel = 'warn' | 'log';

/**
 * Receives the events and state changes of a broker. Of the node's calls to the broker, only `start`,
 * `publish`, `publishControl` and `presence.set` may call the listener before they return.
 */
export interface BrokerListener {
  /** Receives one event of a subscribed room, of this node too. Events that have a position arrive in ascending order. */
  onMessage(message: RoomMessage): void;
  /** Reports each change of the state, as `sse.brokerState$` emits it. */
  onStateChange(state: BrokerState): void;
  /** Reports rooms that may have lost events between the last delivered event and the next one, after an outage. */
  onGap(rooms: readonly string[]): void;
  /** Reports a new epoch: the broker lost its history. Every later event is after `current`, by default `position`. */
  onEpochChange(epoch: string, current?: Position): void;
  /**
   * Receives a control message that some node has sent with `publishControl`.
   * @param isInOrder `true` if what was published before it to subscribed rooms has been delivered. Default: `false`
   * @param connectedForMs milliseconds for which this node has received every control message. Default: unknown
   * @returns `false` for a malformed message, which is ignored; a broker may count it
   */
  onControl?(text: string, isInOrder?: boolean, connectedForMs?: number): boolean | void;
  /**
   * Writes a line of the broker's log. In an application it is one of Nest's `Logger`, and a line that repeats is written once
   * in ten seconds with its number. Must not throw. Without it, `redisBroker` emits process warnings, `SseRedisWarning`.
   */
  onLog?(level: BrokerLogLevel, message: string): void;
  /** `true` where nothing may ever be subscribed: a broker may then connect its subscriber with the first `subscribe`. */
  readonly subscribesLater?: boolean | undefined;
}

/** Options of one `publish`. */
export interface PublishOptions {
  /** Clients that do not receive the event: client ids, and `user:` followed by a user name. Default: none. */
  readonly except?: readonly string[] | undefined;
  /**
   * `true`: the event is not stored and has no id, and a client with backpressure receives only the newest event of each
   * name. Default: `false`.
   */
  readonly volatile?: boolean;
  /**
   * Deduplicates retries: a second publish with this key within two minutes is not delivered, and gets the receipt of the
   * first. Keys are shared by all rooms. Default: none.
   */
  readonly idempotencyKey?: string | undefined;
  /** Copies of the event in partitions published to before. Delivered as `RoomMessage.copies`, live and from history. */
  readonly copies?: readonly EarlierCopy[] | undefined;
  /** Trace context of the publisher, delivered as `RoomMessage.trace`. A broker may leave it out. Default: none. */
  readonly trace?: Readonly<Record<string, string>> | undefined;
  /**
   * Waits until replicas have the event; `false` does not wait, even if the broker does by default. Only with a broker that
   * has `acknowledges`. Default: that of the broker.
   */
  readonly acknowledge?: Acknowledge | false | undefined;
}

/** Confirms that a broker has accepted an event. */
export interface PublishReceipt {
  readonly epoch: string;
  readonly position: Position;
  /** `true` if the event is in history, so that a client can resume it. */
  readonly replayable: boolean;
  /** `true` if an event with this idempotency key was accepted before; `position` is then that event's. */
  readonly duplicate: boolean;
  /** Set if `acknowledge` was not fulfilled. The event is published all the same. Default: it was, or was not asked for. */
  readonly missing?: MissingAcknowledgement | undefined;
}

/** Options of one `read`. */
export interface ReadOptions {
  /**
   * Bytes of the page, counting for each event its data and a small overhead. If more is stored after the position, the
   * page ends early, between two positions, with at least one event, and has `hasMore`. Applies to reads after a position.
   * Default: no limit. A broker may ignore it, at the cost of memory.
   */
  readonly maxBytes?: number | undefined;
  /** Cancels the read, which then rejects with the reason of the signal. A broker may ignore it. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** The history of some rooms after a position, read at one point in time. */
export interface HistoryPage {
  readonly epoch: string;
  /**
   * Position of the read: every event published later has a greater position. In subscribed rooms it may lie before
   * events that were accepted but not delivered to this node yet. It is never before the last event delivered by the time
   * of the call. For a page with `hasMore`: the position of its last event.
   */
  readonly position: Position;
  /** Events in ascending order of positions. An event to several of the rooms is listed once. */
  readonly messages: readonly RoomMessage[];
  /** Rooms that may lack events: trimmed, expired or unknown. `messages` has the events of them that are still stored. */
  readonly incompleteRooms: readonly string[];
  /**
   * For incomplete rooms the newest position at which an event may be missing. A client that reads page by page is
   * notified of the same loss once. Default: unknown, so that each incomplete page counts as a new loss.
   */
  readonly lostUpTo?: ReadonlyMap<string, Position> | undefined;
  /**
   * `true` if the page was cut because of `maxBytes`: a read after its `position` continues it. All events up to
   * `position` are in it, except those of incomplete rooms. Default: `false`.
   */
  readonly hasMore?: boolean | undefined;
  /** Of a read without rooms: position up to which lost events of another epoch were stored again. Default: 0, none. */
  readonly restoredUpTo?: Position | undefined;
  /** `true` if the page came from the memory of this node, for metrics. Default: `false`. */
  readonly isLocal?: boolean | undefined;
}

/**
 * Carries events between nodes and stores their history. A broker depends on nothing of clients, requests or Nest.
 *
 * A node receives every event, its own included, through `onMessage`, in one order per room. A broker is correct when
 * it passes the contract suite of `nestjs-simple-sse/testing`.
 *
 * **Epoch and position.** The epoch names one continuous history; a broker that loses its history starts a new epoch.
 * Within an epoch, positions ascend over all rooms. An example with short positions, in epoch `0a1b2c3d`:
 *
 * | position | rooms  | `previous` in `a` | `previous` in `b` |
 * | -------- | ------ | ----------------- | ----------------- |
 * | 100      | `a`    | 0                 |                   |
 * | 105      | `b`    |                   | 0                 |
 * | 112      | `a, b` | 100               | 105               |
 *
 * A broker stores with each event the position of the event before it in the same room (`previous`, 0 for the first). A
 * client in room `a` that resumes after 100 reads 112. Its `previous` is 100, so nothing is missing. A client that
 * resumes after 90 when 100 has been trimmed also reads 112: 100 is after 90, so room `a` is in `incompleteRooms`.
 */
export interface SseBroker extends Partial<ControlChannel> {
  /**
   * Starts the broker. Called once, before any other method.
   *
   * @returns resolves when the broker may be used, even if its state is still `down`
   */
  start(policy: HistoryPolicy, listener: BrokerListener): Promise<void>;

  /** The current epoch: 8 hexadecimal digits. */
  readonly epoch: string;

  /** Why the broker is not `live`; `undefined` while it is live, and before the first attempt has ended. Optional. */
  readonly failure?: Error | undefined;

  /** The newest position known to this node: all events of subscribed rooms up to it have been delivered. */
  readonly position: Position;

  /**
   * Publishes one event to several rooms, at one position.
   * @returns resolves when the broker has accepted the event
   * @throws SseError `broker-closed` before `start` and after `close`, `broker-unavailable` while the broker cannot be
   * reached
   */
  publish(rooms: readonly string[], event: RoomEvent, options: PublishOptions): Promise<PublishReceipt>;

  /**
   * Subscribes this node to a room. Events published after it returns nothing, or after its promise resolves, are
   * delivered. The promise is pending while the broker is `down`.
   *
   * @returns may resolve with a position not later than the call: history entries up to it predate the subscription. A
   * broker returns one where `position` may lag behind on a node that receives few events.
   */
  subscribe(room: string): Promise<Position | void> | void;

  /** Stops the delivery of a room's events. Does nothing for a room that is not subscribed. */
  unsubscribe(room: string): Promise<void>;

  /**
   * Reads the events of `rooms` after the position `after`. If `after` is `undefined`, reads the newest `newest` events
   * (default 0) of each room instead. Without rooms, returns the current position only.
   *
   * ```ts
   * let page = await broker.read(['a'], position, 0, { maxBytes: 262_144 });
   * while (page.hasMore) page = await broker.read(['a'], page.position, 0, { maxBytes: 262_144 });
   * ```
   *
   * @throws SseError `broker-closed`, `broker-unavailable`; the reason of an aborted `signal`
   */
  read(
    rooms: readonly string[],
    after: Position | undefined,
    newest?: number,
    options?: ReadOptions,
  ): Promise<HistoryPage>;

  /** `true` if `publish` supports `acknowledge`. Optional: without it, calls with that option are rejected. */
  readonly acknowledges?: boolean;

  /** Stores the members of rooms. Optional: without it, rooms with presence are rejected at start-up. */
  readonly presence?: PresenceStore;
  /** Stores tickets. Optional: without it, the option `tickets` is rejected at start-up. */
  readonly tickets?: TicketStore;
  /** Stores the sessions of streams. Optional: without it, the option `sessions` is refused at start-up. */
  readonly sessions?: SessionStore;
  /** Stores runs. Optional: without it, routes with `@SseRun` or `@SseRunTail` are refused at start-up, and calls of `sse.runs`. */
  readonly runs?: RunStore;
  /** Counts streams of users. Optional: without it, the option `limits.maxStreamsPerUserOnAllNodes` is refused at start-up. */
  readonly userStreams?: UserStreamStore;

  /** Settles when accepted events of this node have been delivered to it; at once while not connected. Precedes `close`. */
  whenDelivered?(): Promise<void>;
  /**
   * Settles once what any node published to subscribed rooms before the call has been delivered; pending while the broker cannot
   * be reached. A broker that delivers inside `publish` leaves it out. @throws SseError `broker-closed`
   */
  whenCurrent?(): Promise<void>;

  /** Closes all connections and drops the history of this node. Nothing is delivered afterwards. May be called twice. */
  close(): Promise<void>;
}
