import type { BrokerListener, BrokerState, HistoryPolicy } from '../broker.interface.js';
import type { ResumePoint } from '../../protocol/position.js';
import { MalformedMessages } from './data/malformed-messages.js';
import { longestLastPositionTtlMs } from './data/clamped-limits.js';
import type { RedisKeys } from './data/redis-keys.js';
import { LossAnnouncer } from './failover/loss-announcer.js';
import type { RedisDriver } from './driver/redis-driver.interface.js';
import { LocalRooms } from './feed/local-rooms.js';
import { RoomFeed, type FeedPhase } from './feed/room-feed.js';
import { DeliveryOrder } from './history/delivery-order.js';
import { RecentEvents } from './history/recent-events.js';
import { HistoryCalls } from './history/history-calls.js';
import { ReadQueue } from './history/read-queue.js';
import { RoomReader } from './history/room-reader.js';
import { SharedReads } from './history/shared-reads.js';
import { CommandLink } from './link/command-link.js';
import { Deferred, withDeadline } from './link/deferred.js';
import type { OutageLog } from './link/outage-log.js';
import { ReplicatedPublishes } from './link/replicated-publishes.js';
import { unavailable } from './link/redis-errors.js';
import { NEW_NODE, NodeRegistry } from './nodes/node-registry.js';
import { RunChannels } from './runs/run-channels.js';
import { brokerClosedError } from '../broker-closed-error.js';
import type { ResolvedRedisOptions } from './redis-broker-options.js';

/** Reads of history in flight in one partition: the reads of a partition without answers do not stop the others. */
const MAX_READS = 4;

export interface RedisNodeContext {
  readonly driver: RedisDriver;
  readonly redisKeys: RedisKeys;
  /** Unique name of this node in Redis. */
  readonly nodeName: string;
  /** `true` for the partition whose connection carries the registry of nodes. */
  readonly carriesRegistry: boolean;
  readonly options: ResolvedRedisOptions;
  readonly policy: HistoryPolicy;
  readonly listener: BrokerListener;
  readonly warn: (message: string) => void;
  readonly outages: OutageLog;
  /** Limits the reads of all partitions together. */
  readonly reads: ReadQueue;
  /** Called when another node with presence shuts down. */
  readonly onPresenceShutdown: () => void;
}

/** The parts of a running broker on this node. Callbacks refer to parts that are created later: they run after `open()`. */
export class RedisNode {
  readonly policy: HistoryPolicy;
  readonly redisKeys: RedisKeys;
  readonly commands: CommandLink;
  /** Carries the reads of history and runs, so that publishes never wait for a page. Opened by the first read. */
  readonly readLink: CommandLink;
  /** Carries the publishes that wait for replicas. Opened by the first one. */
  readonly #replicatedLink: CommandLink;
  readonly replicated: ReplicatedPublishes;
  readonly reader: RoomReader;
  /** Serves resumes from recent events or with reads shared by many clients. */
  readonly reads: SharedReads;
  readonly order: DeliveryOrder;
  readonly malformed: MalformedMessages;
  readonly feed: RoomFeed;
  readonly runChannels = new RunChannels(this);
  /** Reports events that this node has published to a Redis that was replaced. */
  readonly losses: LossAnnouncer;
  /** Compares the options of all nodes. */
  readonly registry: NodeRegistry | undefined;
  readonly #context: RedisNodeContext;
  readonly #rooms: LocalRooms;
  readonly #recent: RecentEvents;
  /** Resolves when the node is live for the first time; rejects when the first attempt fails. */
  readonly #firstOutcome = new Deferred();
  /** An epoch that Redis has reported and this node has not started yet. */
  #awaitedEpoch: string | undefined;
  #reportedState: BrokerState | undefined;
  #hasPosition = false;
  #failure: Error | undefined;
  #isClosed = false;

  constructor(context: RedisNodeContext) {
    const { driver, redisKeys, options, policy, listener, warn } = context;
    const maxBytes = policy.maxBytes / options.partitions;
    this.#context = context;
    this.policy = policy;
    this.redisKeys = redisKeys;
    this.malformed = new MalformedMessages(warn);
    this.#rooms = new LocalRooms((room) => this.#recent.forget(room));
    this.#recent = new RecentEvents(policy, this.#rooms, maxBytes);
    this.order = new DeliveryOrder(this.#rooms, listener, this.#recent, this.malformed);
    const linkOptions = {
      driver,
      stateKey: redisKeys.brokerState,
      checkNames: redisKeys,
      options,
      lastPositionTtlMs: longestLastPositionTtlMs(policy),
      newestPosition: () => this.order.newestPosition,
      warn,
    };
    this.commands = new CommandLink({
      ...linkOptions,
      onUp: () => this.#handleCommandsUp(),
      onDown: (error) => this.#handleState(error),
    });
    this.losses = new LossAnnouncer({ commands: this.commands, redisKeys, policy, options });
    const newLinkOnDemand = (): CommandLink =>
      new CommandLink({ ...linkOptions, onUp: () => {}, onDown: () => {}, carriesReads: true });
    this.readLink = newLinkOnDemand();
    this.#replicatedLink = newLinkOnDemand();
    this.replicated = new ReplicatedPublishes(this.#replicatedLink);
    this.registry = context.carriesRegistry
      ? new NodeRegistry({
          ...context,
          commands: this.commands,
          malformed: this.malformed,
          receives: () => this.feed.isOpen,
        })
      : undefined;
    const calls = new HistoryCalls({
      commands: this.commands,
      link: this.readLink,
      queue: new ReadQueue(MAX_READS, context.reads),
      redisKeys,
      malformed: this.malformed,
      timeoutMs: options.publishTimeoutMs,
      warn,
    });
    this.reader = new RoomReader({ commands: this.commands, calls, policy, warn });
    this.feed = new RoomFeed({
      driver,
      redisKeys,
      commands: this.commands,
      reader: this.reader,
      rooms: this.#rooms,
      runs: this.runChannels,
      order: this.order,
      options,
      malformed: this.malformed,
      onControl: (text) => this.#handleControl(text),
      onPhase: (phase, error) => this.#handlePhase(phase, error),
    });
    this.reads = new SharedReads({
      reader: this.reader,
      recent: this.#recent,
      node: this.order,
      isLive: () => this.#state === 'live' && !this.#isAwaitingEpoch(),
      maxBytes,
    });
  }

  /**
   * Opens the connections. They are opened again after each failure until `close()`.
   *
   * @returns resolves when the node is live
   * @throws SseError `broker-unavailable` or the error of the first attempt, at the latest after `connectTimeoutMs`
   */
  async open(): Promise<void> {
    const { connectTimeoutMs } = this.#context.options;
    this.commands.open();
    if (this.#context.listener.subscribesLater !== true) this.feed.open();
    await withDeadline(this.#firstOutcome.promise, connectTimeoutMs, () =>
      unavailable(`Redis was not ready within ${connectTimeoutMs} ms.`, undefined),
    );
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  reportState(): void {
    const state = this.#state;
    if (this.#isClosed || state === this.#reportedState) return;
    this.#reportedState = state;
    this.#context.listener.onStateChange(state);
  }

  /** Stops reads from recent events until this node has started an epoch that Redis has reported. */
  awaitEpoch(current: ResumePoint): void {
    this.#awaitedEpoch = current.epoch;
    if (this.feed.isOpen) this.feed.check();
    else this.order.moveTo(current);
  }

  close(): void {
    this.#isClosed = true;
    this.#context.outages.closed(this);
    this.feed.close();
    this.losses.close();
    this.commands.close();
    this.readLink.close();
    this.#replicatedLink.close();
    this.reads.close();
    this.#recent.close();
    this.#rooms.close(brokerClosedError());
  }

  get #state(): BrokerState {
    const phase = this.feed.isOpen ? this.feed.phase : this.#hasPosition ? 'live' : 'syncing';
    return this.commands.isUp ? phase : 'down';
  }

  #isAwaitingEpoch(): boolean {
    if (this.#awaitedEpoch === this.order.epoch) this.#awaitedEpoch = undefined;
    return this.#awaitedEpoch !== undefined;
  }

  #handleCommandsUp(): void {
    // The new connection may lead to another server, which took over.
    this.readLink.reconnect();
    this.#replicatedLink.reconnect();
    this.#handleState();
    void this.registry?.refresh();
    void this.losses.check();
    if (this.feed.isOpen) this.feed.check();
    else void this.#readPosition();
  }

  /** Reads the position of a node that receives no events, since nothing else moves it. */
  async #readPosition(): Promise<void> {
    const current = await this.reader.currentPosition();
    if (current === undefined || this.#isClosed) return;
    if (!this.feed.isOpen) this.order.moveTo(current);
    this.#hasPosition = true;
    this.#handlePhase('live', undefined);
  }

  #handlePhase(phase: FeedPhase, error: Error | undefined): void {
    if (phase === 'live') this.#firstOutcome.resolve();
    this.#handleState(error);
  }

  /** @param error the failure that has ended a connection or an attempt, if any */
  #handleState(error?: Error): void {
    if (error !== undefined) this.#firstOutcome.reject(error);
    // Set before the listener is notified, which may ask for the reason.
    this.#failure = this.#state === 'live' ? undefined : (error ?? this.#failure);
    this.reportState();
    if (this.#isClosed) return;
    if (error !== undefined) this.#context.outages.down(this, error);
    else if (this.#state === 'live') this.#context.outages.live(this);
  }

  #handleControl(text: string): void {
    if (text.startsWith(NEW_NODE)) return this.registry?.receive(text.slice(NEW_NODE.length));
    if (text === 'p') return this.#context.onPresenceShutdown();
    // Events before it were received on the same connection, and none of them waits for missed ones.
    const arrival = [this.feed.phase === 'live', this.feed.connectedForMs] as const;
    if (!text.startsWith('t') || this.#context.listener.onControl?.(text.slice(1), ...arrival) === false)
      this.malformed.ignore('control message');
  }
}
