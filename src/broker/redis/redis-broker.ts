import { randomUUID } from 'node:crypto';
import type {
  BrokerListener,
  BrokerState,
  HistoryPage,
  HistoryPolicy,
  PublishOptions,
  PublishReceipt,
  SseBroker,
} from '../broker.interface.js';
import type { PresenceStore } from '../presence-store.interface.js';
import type { Position } from '../../protocol/position.js';
import type { RoomEvent } from '../../protocol/room-message.js';
import type { DriverForSlot } from './driver/choose-driver.js';
import { slotOf } from './driver/cluster-slot.js';
import { CommandLink } from './link/command-link.js';
import { Deferred, withDeadline } from './link/deferred.js';
import { LocalRooms } from './feed/local-rooms.js';
import { DeliveryOrder } from './history/delivery-order.js';
import { newEpoch } from '../new-epoch.js';
import type { PresenceTimes } from './presence/redis-presence-context.js';
import { RedisPresence } from './presence/redis-presence.js';
import { publishCommand } from './data/publish-command.js';
import { PUBLISH_SCRIPT } from './data/publish-script.js';
import { RecentEvents } from './history/recent-events.js';
import type { ResolvedRedisOptions } from './redis-broker-options.js';
import { closedError, unavailable } from './link/redis-errors.js';
import { RedisKeys, type Partition } from './data/redis-keys.js';
import { RoomFeed } from './feed/room-feed.js';
import { RoomReader } from './history/room-reader.js';
import { SharedReads } from './history/shared-reads.js';

/** What there is between `start` and `close`. */
interface Running {
  readonly policy: HistoryPolicy;
  readonly listener: BrokerListener;
  readonly names: RedisKeys;
  readonly commands: CommandLink;
  readonly reader: RoomReader;
  readonly recent: RecentEvents;
  readonly reads: SharedReads;
  readonly rooms: LocalRooms;
  readonly order: DeliveryOrder;
  readonly feed: RoomFeed;
}

/** What the partitions of one broker share. */
export interface RedisBrokerContext {
  readonly options: ResolvedRedisOptions;
  readonly driver: () => Promise<DriverForSlot>;
  readonly presenceTimes: PresenceTimes;
  /** Each thing once, however often Redis is connected to. */
  readonly warn: (message: string) => void;
}

/** Carries events between any number of nodes through one Redis, and remembers them there. */
export class RedisBroker implements SseBroker {
  readonly #context: RedisBrokerContext;
  readonly #partition: Partition;
  readonly #members = new RedisPresence();
  readonly presence: PresenceStore = this.#members;
  readonly #placeholderEpoch = newEpoch();
  #running: Running | undefined;
  #reportedEpoch: string | undefined;
  #state: BrokerState | undefined;

  constructor(context: RedisBrokerContext, partition: Partition) {
    this.#context = context;
    this.#partition = partition;
  }

  get epoch(): string {
    return this.#running?.order.epoch ?? this.#placeholderEpoch;
  }

  get position(): Position {
    return this.#running?.order.position ?? 0;
  }

  async start(policy: HistoryPolicy, listener: BrokerListener): Promise<void> {
    const { options, warn, driver: choose } = this.#context;
    const driver = (await choose())(slotOf(this.#partition.tag));
    const firstOutcome = new Deferred();
    const names = new RedisKeys(this.#partition, driver.database, randomUUID().slice(0, 8));
    const rooms: LocalRooms = new LocalRooms((room) => recent.forget(room));
    const maxBytes = policy.maxBytes / options.partitions;
    const recent = new RecentEvents(policy, rooms, maxBytes);
    const order = new DeliveryOrder(rooms, listener, recent);
    const commands: CommandLink = new CommandLink({
      driver,
      memory: names.memory,
      options,
      newest: () => order.newest,
      onUp: () => {
        this.#tellState();
        feed.check();
      },
      onDown: (error) => {
        firstOutcome.reject(error);
        this.#tellState();
      },
      warn,
    });
    const reader = new RoomReader(commands, names, policy);
    const feed: RoomFeed = new RoomFeed({
      driver,
      names,
      commands,
      reader,
      rooms,
      order,
      options,
      onControl: (text) => {
        if (text.startsWith('t')) listener.onControl?.(text.slice(1));
        else if (text === 'p') this.#members.nodeLeaving();
      },
      onPhase: (phase, error) => {
        if (phase === 'live') firstOutcome.resolve();
        if (error !== undefined) firstOutcome.reject(error);
        this.#tellState();
      },
    });
    const reads = new SharedReads({
      reader,
      recent,
      node: order,
      isLive: () => feed.phase === 'live' && commands.isUp && !this.#isInDoubt(order.epoch),
      maxBytes,
    });
    this.#members.begin({ commands, names, times: this.#context.presenceTimes, warn });
    this.#running = { policy, listener, names, commands, reader, recent, reads, rooms, order, feed };
    commands.open();
    feed.open();
    try {
      const { connectTimeoutMs } = options;
      await withDeadline(firstOutcome.promise, connectTimeoutMs, () =>
        unavailable(`Redis was not ready within ${connectTimeoutMs} ms.`, undefined),
      );
    } catch (error) {
      if (options.requireBroker) {
        await this.close();
        throw unavailable('Redis is required and cannot be reached.', error as Error);
      }
      this.#tellState();
    }
    order.isExposed = true;
  }

  async publish(
    rooms: readonly string[],
    event: RoomEvent,
    options: PublishOptions,
  ): Promise<PublishReceipt> {
    const { commands, order, ...running } = this.#live();
    const notReplayable = { epoch: order.epoch, position: 0, replayable: false, duplicate: false };
    const command = publishCommand(rooms, event, options, running);
    if (command === undefined) return notReplayable;
    if (command.kind === 'ephemeral') {
      const { channel, message } = command;
      await commands.send(['SPUBLISH', channel, message], { repeatable: false, refusable: true });
      return notReplayable;
    }
    const how = { repeatable: options.idempotencyKey !== undefined, refusable: true };
    const reply = await commands.run(PUBLISH_SCRIPT, command.keys, command.args, how);
    const [receipt, duplicate] = reply as [string, number];
    const [epoch = '', digits = ''] = receipt.split(' ');
    const position = Number(digits);
    order.see(position);
    return { epoch, position, replayable: position !== 0, duplicate: duplicate === 1 };
  }

  async subscribe(room: string): Promise<Position | void> {
    return this.#live().feed.subscribe(room);
  }

  async unsubscribe(room: string): Promise<void> {
    this.#running?.feed.unsubscribe(room);
  }

  async read(rooms: readonly string[], after: Position | undefined, newest = 0): Promise<HistoryPage> {
    const { reader, reads, order } = this.#live();
    if (rooms.length === 0) {
      // Only where now is: not worth waiting for as long as Redis may be away.
      const now = (await reader.now()) ?? order;
      if (now.epoch !== order.epoch) this.#doubt(now.epoch);
      const position = now.epoch === order.epoch ? Math.max(order.newest, now.position) : now.position;
      return { epoch: now.epoch, position, messages: [], incompleteRooms: [] };
    }
    const page = await (after === undefined ? reader.read(rooms, after, newest) : reads.read(rooms, after));
    order.see(page.position);
    return page;
  }

  async publishControl(text: string): Promise<void> {
    const { commands, names } = this.#live();
    const how = { repeatable: false, refusable: true };
    await commands.send(['SPUBLISH', names.controlChannel, `t${text}`], how);
  }

  async close(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.#members.end();
    running.feed.close();
    running.commands.close();
    running.reads.close();
    running.recent.close();
    running.rooms.close(closedError());
  }

  #live(): Running {
    if (this.#running === undefined) throw closedError();
    return this.#running;
  }

  /** Redis has named an epoch that this node has not begun: until it has, what it remembers is of no use. */
  #doubt(epoch: string): void {
    this.#reportedEpoch = epoch;
    this.#running?.feed.check();
  }

  #isInDoubt(epoch: string): boolean {
    if (this.#reportedEpoch === epoch) this.#reportedEpoch = undefined;
    return this.#reportedEpoch !== undefined;
  }

  #tellState(): void {
    if (this.#running === undefined) return;
    const { commands, feed, listener } = this.#running;
    const state = commands.isUp ? feed.phase : 'down';
    if (state === this.#state) return;
    this.#state = state;
    listener.onStateChange(state);
  }
}
