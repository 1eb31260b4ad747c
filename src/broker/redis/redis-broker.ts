import { randomUUID } from 'node:crypto';
import { brokerClosedError } from '../broker-closed-error.js';
import type { Acknowledge } from '../../protocol/input/acknowledge.js';
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
import type { PresenceStore } from '../presence-store.interface.js';
import type { Position } from '../../protocol/position.js';
import type { RoomEvent } from '../../protocol/room-message.js';
import { SseError } from '../../protocol/sse-error.js';
import { newEpoch } from '../new-epoch.js';
import { publishCommand } from './data/publish-command.js';
import { PUBLISH_SCRIPT } from './data/publish-script.js';
import { NODES_TAG, RedisKeys, type Partition } from './data/redis-keys.js';
import type { DriverForSlot } from './driver/choose-driver.js';
import { slotOf } from './driver/cluster-slot.js';
import type { ReadQueue } from './history/read-queue.js';
import type { BrokerLog } from './link/broker-log.js';
import type { OutageLog } from './link/outage-log.js';
import { withDeadline } from './link/deferred.js';
import { unavailable } from './link/redis-errors.js';
import type { PresenceTimes } from './presence/redis-presence-context.js';
import { RedisPresence } from './presence/redis-presence.js';
import { tooLongAcknowledge, type ResolvedRedisOptions } from './redis-broker-options.js';
import { RedisNode } from './redis-node.js';
import { RedisTickets } from './tickets/redis-tickets.js';
import { RedisSessions } from './sessions/redis-sessions.js';
import { RedisRuns } from './runs/redis-runs.js';
import { RedisUserStreams } from './user-streams/redis-user-streams.js';

/** The parts shared by all partitions of one broker. */
export interface RedisBrokerContext {
  readonly options: ResolvedRedisOptions;
  readonly chooseDriver: () => Promise<DriverForSlot>;
  readonly presenceTimes: PresenceTimes;
  readonly log: BrokerLog;
  readonly outages: OutageLog;
  /** Limits the reads of all partitions together. */
  readonly reads: ReadQueue;
}

/** Carries the events of one partition between any number of nodes through Redis, and stores their history there. */
export class RedisBroker implements SseBroker {
  readonly #context: RedisBrokerContext;
  readonly #partition: Partition;
  readonly #presence = new RedisPresence();
  readonly presence: PresenceStore = this.#presence;
  readonly tickets = new RedisTickets(() => this.#running());
  readonly sessions = new RedisSessions(() => this.#running());
  readonly runs: RedisRuns;
  readonly userStreams: RedisUserStreams;
  readonly acknowledges = true;
  /** The epoch outside of `start` and `close`. */
  readonly #placeholderEpoch = newEpoch();
  #node: RedisNode | undefined;
  readonly nodeId = randomUUID().slice(0, 8);
  readonly whenCurrent = async (): Promise<void> => this.#running().feed.deliveries.whenCurrent();
  /** Absent from the partitions that do not carry the registry of nodes. */
  readonly nodes: (() => Promise<readonly BrokerNode[]>) | undefined;

  constructor(context: RedisBrokerContext, partition: Partition) {
    this.#context = context;
    this.#partition = partition;
    const { options, presenceTimes } = context;
    this.runs = new RedisRuns(() => this.#node, options.publishTimeoutMs);
    this.userStreams = new RedisUserStreams(() => this.#running(), presenceTimes, options.publishTimeoutMs);
    this.nodes = partition.tag === NODES_TAG ? async () => this.#listNodes() : undefined;
  }

  get epoch(): string {
    return this.#node?.order.epoch ?? this.#placeholderEpoch;
  }

  get failure(): Error | undefined {
    return this.#node?.failure;
  }

  get position(): Position {
    return this.#node?.order.position ?? 0;
  }

  async start(policy: HistoryPolicy, listener: BrokerListener): Promise<void> {
    const { options, presenceTimes, log, outages, chooseDriver } = this.#context;
    log.attach(listener);
    const driver = (await chooseDriver())(slotOf(this.#partition.tag));
    const redisKeys = new RedisKeys(this.#partition, driver.database, this.nodeId);
    const node = new RedisNode({
      driver,
      redisKeys,
      nodeName: this.nodeId,
      carriesRegistry: this.#partition.tag === NODES_TAG,
      options,
      policy,
      listener,
      warn: log.warn,
      outages,
      reads: this.#context.reads,
      onPresenceShutdown: () => this.#presence.nodeLeaving(),
    });
    const { commands, malformed } = node;
    this.#presence.attach({ commands, redisKeys, times: presenceTimes, warn: log.warn, malformed });
    this.#node = node;
    try {
      await node.open();
    } catch (error) {
      if (options.requireBroker) {
        await this.close();
        throw unavailable('Redis is required but cannot be reached.', error as Error);
      }
      node.reportState();
    }
    if (options.requireSamePartitions) await this.#refuseOtherPartitions(node);
    node.order.reportsEpochChange = true;
  }

  async publish(
    rooms: readonly string[],
    event: RoomEvent,
    options: PublishOptions,
  ): Promise<PublishReceipt> {
    const node = this.#running();
    const { commands, order, losses } = node;
    const notReplayable = { epoch: order.epoch, position: 0, replayable: false, duplicate: false };
    const command = publishCommand(rooms, event, options, node);
    if (command === undefined) return notReplayable;
    if (command.kind === 'ephemeral') {
      const { channel, message } = command;
      await commands.send(['SPUBLISH', channel, message], { repeatable: false, refusable: true });
      return notReplayable;
    }
    const callOptions = { repeatable: options.idempotencyKey !== undefined, refusable: true };
    const acknowledge = command.isStored && this.#acknowledgeOf(options);
    const { reply, missing } =
      acknowledge === false
        ? { reply: await commands.run(PUBLISH_SCRIPT, command.keys, command.args, callOptions) }
        : await node.replicated.publish(command, callOptions, acknowledge);
    const [receipt, duplicate] = reply as [string, number];
    // The receipt of an idempotency key is stored in Redis.
    const [, epoch, digits] = /^([0-9a-f]{8}) (\d{1,16})$/.exec(receipt) ?? [];
    if (epoch === undefined) throw unavailable('Redis has a malformed receipt of this event.', undefined);
    const position = Number(digits);
    order.observePosition(position);
    const { idempotencyKey } = options;
    if (idempotencyKey !== undefined && command.isStored)
      losses.remember({ rooms, event, options: { ...options, idempotencyKey }, epoch, position });
    if (duplicate !== 1) losses.accepted(rooms, epoch);
    return { epoch, position, replayable: position !== 0, duplicate: duplicate === 1, missing };
  }

  async subscribe(room: string): Promise<Position | void> {
    return this.#running().feed.subscribe(room);
  }

  async unsubscribe(room: string): Promise<void> {
    this.#node?.feed.unsubscribe(room);
  }

  async read(
    rooms: readonly string[],
    after: Position | undefined,
    newest = 0,
    options: ReadOptions = {},
  ): Promise<HistoryPage> {
    const node = this.#running();
    if (rooms.length === 0) return this.#readPosition(node);
    const { reader, reads, order } = node;
    const page = await (after === undefined
      ? reader.read(rooms, after, newest, options)
      : reads.read(rooms, after, options));
    order.observePosition(page.position);
    return page;
  }

  async publishControl(text: string, to?: string, signal?: AbortSignal): Promise<number> {
    const { commands, redisKeys } = this.#running();
    const channel = to === undefined ? redisKeys.controlChannel : redisKeys.nodeChannel(to);
    const callOptions = { repeatable: false, refusable: true, signal };
    return Number(await commands.send(['SPUBLISH', channel, `t${text}`], callOptions));
  }

  async #listNodes(): Promise<readonly BrokerNode[]> {
    const { feed, registry } = this.#running();
    const { publishTimeoutMs } = this.#context.options;
    await withDeadline(feed.whenLive(), publishTimeoutMs, () =>
      unavailable(`The subscribing connection was not live within ${publishTimeoutMs} ms.`, this.failure),
    );
    return (await registry?.receivers()) ?? [];
  }

  async whenDelivered(): Promise<void> {
    await this.#node?.feed.deliveries.whenDelivered();
  }

  async close(): Promise<void> {
    const node = this.#node;
    if (node === undefined) return;
    this.#node = undefined;
    this.#presence.detach();
    await this.userStreams.close(node);
    await node.registry?.close();
    node.close();
  }

  #acknowledgeOf({ acknowledge }: PublishOptions): Acknowledge | false {
    const { options } = this.#context;
    if (acknowledge === undefined || acknowledge === false) return acknowledge ?? options.acknowledge;
    if (acknowledge.timeoutMs < options.publishTimeoutMs) return acknowledge;
    throw new SseError(
      'invalid-arguments',
      tooLongAcknowledge('broadcast', acknowledge, options.publishTimeoutMs),
    );
  }

  /** @throws SseError `invalid-options`, after which the broker is closed */
  async #refuseOtherPartitions(node: RedisNode): Promise<void> {
    try {
      await node.registry?.requireSamePartitions();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #running(): RedisNode {
    if (this.#node === undefined) throw brokerClosedError();
    return this.#node;
  }

  /**
   * Returns an empty page at the current position. If Redis does not answer in time, the node's own position is used.
   */
  async #readPosition(node: RedisNode): Promise<HistoryPage> {
    const { reader, order } = node;
    const found = await reader.currentPosition();
    const current = found ?? order;
    const isKnownEpoch = current.epoch === order.epoch;
    if (!isKnownEpoch) node.awaitEpoch(current);
    const position = isKnownEpoch ? Math.max(order.newestPosition, current.position) : current.position;
    const { restoredUpTo = 0, restoredEvents = 0 } = found ?? {};
    if (found !== undefined) node.reads.forgetUnless(restoredEvents);
    return { epoch: current.epoch, position, messages: [], incompleteRooms: [], restoredUpTo };
  }
}
