import type {
  BrokerListener,
  HistoryPage,
  HistoryPolicy,
  PublishOptions,
  ReadOptions,
  SseBroker,
} from '../../broker/broker.interface.js';
import type { PartitionedBroker } from '../../broker/partitioned-broker.interface.js';
import { SingleCursor, type Cursor } from '../../connection/cursor.js';
import type { SseMetrics } from '../../metrics/sse-metrics.interface.js';
import {
  formatStreamPosition,
  parseStreamPosition,
  type CurrentPosition,
  type StreamPosition,
} from '../../protocol/stream-position.js';
import { nowUs, type Position, type ResumePoint } from '../../protocol/position.js';
import type { RoomEvent } from '../../protocol/room-message.js';
import { AwaitedCopies } from './awaited-copies.js';
import { LostCopies } from './lost-copies.js';
import { measuredCalls, type RunBrokerCall } from './measured-call.js';
import { PartitionStates } from './partition-states.js';
import { PartitionedCursor, StampedFrames, type PartitionPositions } from './partitioned-cursor.js';
import type { PartitionsListener } from './partitions-listener.interface.js';
import { publishCopies, type PublishCopy, type PublishedCopies } from './publish-copies.js';

/** The broker of a node as a list of partitions, often only one: routes each call to the partition of its room. */
export class Partitions implements PartitionPositions {
  readonly #brokers: readonly SseBroker[];
  readonly #partitioned: PartitionedBroker;
  readonly states: PartitionStates;
  /** The newest position that each partition has delivered or caught up to. */
  readonly #reached: Position[];
  /** For a partition whose event is being delivered to clients: the position before that event. */
  readonly #beforeDelivery: (ResumePoint | undefined)[] = [];
  readonly stamped = new StampedFrames();
  readonly lostCopies = new LostCopies();
  readonly #awaitedCopies = new AwaitedCopies();
  readonly #call: RunBrokerCall;

  constructor(broker: PartitionedBroker, metrics: Pick<SseMetrics, 'brokerCalled'> = {}) {
    this.#call = measuredCalls(metrics);
    this.#partitioned = broker;
    this.#brokers = broker.partitions;
    this.states = new PartitionStates(this.#brokers.length);
    this.#reached = this.#brokers.map(() => 0);
  }

  get isPartitioned(): boolean {
    return this.#brokers.length > 1;
  }

  /** The reason why one of the partitions is not live, if one is known. */
  get failure(): Error | undefined {
    return this.#brokers.find(({ failure }) => failure !== undefined)?.failure;
  }

  partitionOf(room: string): number {
    return this.#partitioned.partitionOf(room);
  }

  /** The broker of a room. */
  of(room: string): SseBroker {
    return this.#broker(this.partitionOf(room));
  }

  /** Groups rooms by partition, in ascending order of the partitions. */
  group(rooms: readonly string[]): Map<number, readonly string[]> {
    if (!this.isPartitioned) return new Map([[0, rooms]]);
    const groups = new Map<number, string[]>();
    for (const room of rooms) {
      const partition = this.partitionOf(room);
      const group = groups.get(partition);
      if (group === undefined) groups.set(partition, [room]);
      else group.push(room);
    }
    return new Map([...groups].toSorted(([a], [b]) => a - b));
  }

  /** Starts all partitions. Settles when each of them may be used. If one cannot be started, all are closed. */
  async start(policy: HistoryPolicy, listener: PartitionsListener): Promise<void> {
    const starts = this.#brokers.map((broker, partition) => {
      const own: BrokerListener = {
        ...listener,
        onMessage: (message) => {
          if (!this.isPartitioned) return listener.onMessage(message);
          message.partition = partition;
          if (message.copies !== undefined)
            this.#awaitedCopies.observe(message, (each) => this.positionOf(each));
          // The position of the broker itself includes this event, which clients have not received yet.
          if (message.position !== 0) {
            this.#reached[partition] = message.position;
            this.#awaitedCopies.reached(partition, message.position);
            this.lostCopies.delivered(partition, message.position);
            this.#beforeDelivery[partition] = { epoch: message.epoch, position: message.position - 1 };
          }
          try {
            listener.onMessage(message);
          } finally {
            this.#beforeDelivery[partition] = undefined;
          }
        },
        onStateChange: (state) => {
          this.states.set(partition, state);
          if (state === 'live') {
            this.#reached[partition] = broker.position;
            this.lostCopies.close(partition, broker.position);
          }
          listener.onStateChange(this.states.least);
        },
        onEpochChange: (epoch, position = broker.position) => {
          if (this.isPartitioned) this.lostCopies.add(partition, undefined, this.#reached[partition] ?? 0);
          listener.onEpochChange(partition, { epoch, position }, this.#awaitedCopies.takeLost(partition));
        },
        onGap: (rooms) => {
          if (this.isPartitioned) this.lostCopies.add(partition, rooms, this.#reached[partition] ?? 0);
          listener.onGap(rooms, this.#awaitedCopies.takeLost(partition, rooms));
        },
        onControl: (text, isInOrder, connectedForMs) =>
          listener.onControl?.(text, {
            inOrderIn: isInOrder === true ? partition : undefined,
            connectedForMs,
          }),
      };
      return broker.start(policy, own);
    });
    try {
      await Promise.all(starts);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Creates the cursor of a new client, at the position of this node. */
  cursor(): Cursor {
    if (!this.isPartitioned) return new SingleCursor(this.positionOf(0));
    return new PartitionedCursor(
      this,
      this.#brokers.map((_, partition) => this.positionOf(partition)),
    );
  }

  /** The position up to which clients have received everything that this node has delivered of a partition. */
  positionOf(partition: number): ResumePoint {
    const before = this.#beforeDelivery[partition];
    if (before !== undefined) return before;
    const { epoch, position } = this.#broker(partition);
    return { epoch, position };
  }

  /** The position of this node in the partitions of some rooms. */
  streamPosition(rooms: readonly string[]): StreamPosition {
    return new Map(
      Array.from(this.group(rooms).keys(), (partition) => [partition, this.positionOf(partition)]),
    );
  }

  /**
   * The current position of the broker in the partitions of some rooms. It may be newer than `streamPosition`, since a
   * node does not receive events of rooms without local clients. A partition that is not `live` counts with the position
   * of this node.
   */
  async currentPosition(rooms: readonly string[]): Promise<CurrentPosition> {
    const points = Array.from(this.group(rooms).keys(), async (partition) => {
      if (!this.states.isLive(partition)) return [partition, this.positionOf(partition)] as const;
      return [partition, await this.#read(partition, [], undefined)] as const;
    });
    return new Map(await Promise.all(points));
  }

  /** As `currentPosition`, but waits until all these partitions are live. Returns any position once the signal is aborted. */
  async livePosition(rooms: readonly string[], signal: AbortSignal): Promise<CurrentPosition> {
    const partitions = [...this.group(rooms).keys()];
    for (;;) {
      await this.states.whenLive(partitions, signal);
      const current = await this.currentPosition(rooms);
      // The read may have shown that the broker cannot be reached.
      if (signal.aborted || partitions.every((each) => this.states.isLive(each))) return current;
    }
  }

  /** The `id:` of a position. */
  format(position: StreamPosition): string {
    return formatStreamPosition(position, this.isPartitioned);
  }

  /**
   * Parses an id that a client sent.
   *
   * @param current the broker's current position, where it has been read; it raises the limit for positions in the future
   * @returns `undefined` for an id that no node has written
   */
  parse(id: string, current: StreamPosition = new Map()): StreamPosition | undefined {
    const seen = [...this.#brokers, ...current.values()].map(({ position }) => position);
    return parseStreamPosition(id, Math.max(nowUs(), ...seen), this.#brokers.length);
  }

  publish(rooms: readonly string[], event: RoomEvent, options: PublishOptions): Promise<PublishedCopies> {
    const publish: PublishCopy = (partition, ...copy) =>
      this.#call('publish', async () => this.#broker(partition).publish(...copy));
    return publishCopies(this.group(rooms), publish, event, options);
  }

  /** As in `SseBroker.read`, for rooms of one partition. */
  read(
    partition: number,
    rooms: readonly string[],
    after: Position,
    options?: ReadOptions,
  ): Promise<HistoryPage> {
    return this.#read(partition, rooms, after, 0, options);
  }

  /** The newest `count` events of each of some rooms of one partition. */
  readNewest(
    partition: number,
    rooms: readonly string[],
    count: number,
    options?: ReadOptions,
  ): Promise<HistoryPage> {
    return this.#read(partition, rooms, undefined, count, options);
  }

  async #read(partition: number, ...args: Parameters<SseBroker['read']>): Promise<HistoryPage> {
    const page = await this.#call('read', async () => this.#broker(partition).read(...args));
    if (this.isPartitioned) for (const message of page.messages) message.partition = partition;
    return page;
  }

  /** As in `SseBroker.whenCurrent`, for a room. `undefined` where this node is, as in partition `inOrderIn`. */
  whenCurrent(room: string, inOrderIn?: number): Promise<void> | undefined {
    return this.partitionOf(room) === inOrderIn ? undefined : this.of(room).whenCurrent?.();
  }

  async whenDelivered(): Promise<void> {
    await Promise.all(this.#brokers.map(async (broker) => broker.whenDelivered?.()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.close()));
  }

  #broker(partition: number): SseBroker {
    return this.#brokers[partition] as SseBroker;
  }
}
