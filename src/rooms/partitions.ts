import {
  asPartitioned,
  type BrokerListener,
  type BrokerState,
  type HistoryPage,
  type HistoryPolicy,
  type PartitionedBroker,
  type PublishOptions,
  type SseBroker,
} from '../broker/broker.interface.js';
import { SingleCursor, type Cursor } from '../connection/cursor.js';
import {
  formatStreamPosition,
  parseStreamPosition,
  type StreamPosition,
} from '../protocol/stream-position.js';
import { nowUs, type Position, type ResumePoint } from '../protocol/position.js';
import type { EarlierCopy, RoomEvent } from '../protocol/room-message.js';
import { AwaitedCopies } from './awaited-copies.js';
import { LostCopies } from './lost-copies.js';
import { PartitionedCursor, StampedFrames, type PartitionPositions } from './partitioned-cursor.js';

/** What the partitions tell the node. */
export interface PartitionsListener extends Pick<
  BrokerListener,
  'onMessage' | 'onStateChange' | 'onControl'
> {
  onEpochChange(partition: number, epoch: string, laterRooms: LaterRooms): void;
  onGap(rooms: readonly string[], laterRooms: LaterRooms): void;
}

/** By the name of a room that lost events: the rooms in other partitions that may have missed one of them too. */
export type LaterRooms = ReadonlyMap<string, ReadonlySet<string>>;

/** The broker of a node, as one or more partitions: who has which room, and where the node stands in each. */
export class Partitions implements PartitionPositions {
  readonly #brokers: readonly SseBroker[];
  readonly #partitioned: PartitionedBroker;
  readonly #states: BrokerState[];
  /** The newest position that each partition has delivered or caught up to. */
  readonly #reached: Position[];
  /** Where clients stood before the event that is being handed out, for each partition where one is. */
  readonly #handingOut: (ResumePoint | undefined)[] = [];
  readonly stamped = new StampedFrames();
  readonly lostCopies = new LostCopies();
  readonly #awaitedCopies = new AwaitedCopies();

  constructor(broker: SseBroker | PartitionedBroker) {
    this.#partitioned = asPartitioned(broker);
    this.#brokers = this.#partitioned.partitions;
    this.#states = this.#brokers.map(() => 'down');
    this.#reached = this.#brokers.map(() => 0);
  }

  get isPartitioned(): boolean {
    return this.#brokers.length > 1;
  }

  partitionOf(room: string): number {
    return this.#partitioned.partitionOf(room);
  }

  /** The broker of a room. */
  of(room: string): SseBroker {
    return this.#broker(this.partitionOf(room));
  }

  /** Rooms by their partitions, in ascending order of these. */
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

  async start(policy: HistoryPolicy, listener: PartitionsListener): Promise<void> {
    const starts = this.#brokers.map((broker, partition) =>
      broker.start(policy, {
        onMessage: (message) => {
          if (!this.isPartitioned) return listener.onMessage(message);
          message.partition = partition;
          if (message.copies !== undefined)
            this.#awaitedCopies.observe(message, (each) => this.positionOf(each));
          // The broker's own position counts it already.
          if (message.position !== 0) {
            this.#reached[partition] = message.position;
            this.#awaitedCopies.reached(partition, message.position);
            this.lostCopies.delivered(partition, message.position);
            this.#handingOut[partition] = { epoch: message.epoch, position: message.position - 1 };
          }
          try {
            listener.onMessage(message);
          } finally {
            this.#handingOut[partition] = undefined;
          }
        },
        onStateChange: (state) => {
          this.#states[partition] = state;
          if (state === 'live') {
            this.#reached[partition] = broker.position;
            this.lostCopies.close(partition, broker.position);
          }
          listener.onStateChange(worst(this.#states));
        },
        onEpochChange: (epoch) => {
          if (this.isPartitioned) this.lostCopies.add(partition, undefined, this.#reached[partition] ?? 0);
          listener.onEpochChange(partition, epoch, this.#awaitedCopies.takeLost(partition));
        },
        onGap: (rooms) => {
          if (this.isPartitioned) this.lostCopies.add(partition, rooms, this.#reached[partition] ?? 0);
          listener.onGap(rooms, this.#awaitedCopies.takeLost(partition, rooms));
        },
        onControl: (text) => listener.onControl?.(text),
      }),
    );
    await Promise.all(starts);
  }

  cursor(): Cursor {
    if (!this.isPartitioned) return new SingleCursor(this.positionOf(0));
    return new PartitionedCursor(
      this,
      this.#brokers.map((_, partition) => this.positionOf(partition)),
    );
  }

  positionOf(partition: number): ResumePoint {
    const handingOut = this.#handingOut[partition];
    if (handingOut !== undefined) return handingOut;
    const { epoch, position } = this.#broker(partition);
    return { epoch, position };
  }

  /** The place of now for these rooms. */
  streamPosition(rooms: readonly string[]): StreamPosition {
    return new Map(
      Array.from(this.group(rooms).keys(), (partition) => [partition, this.positionOf(partition)]),
    );
  }

  /** The same, where the broker can be asked up to this moment, however little this node has heard. */
  async currentPosition(rooms: readonly string[]): Promise<StreamPosition> {
    const points = Array.from(this.group(rooms).keys(), async (partition) => {
      if (this.#states[partition] !== 'live') return [partition, this.positionOf(partition)] as const;
      const { epoch, position } = await this.#broker(partition).read([], undefined);
      return [partition, { epoch, position }] as const;
    });
    return new Map(await Promise.all(points));
  }

  format(place: StreamPosition): string {
    return formatStreamPosition(place, this.isPartitioned);
  }

  /** @param now positions that the broker gave out, if more is known than what this node has heard */
  parse(id: string, now: StreamPosition = new Map()): StreamPosition | undefined {
    const seen = [...this.#brokers, ...now.values()].map(({ position }) => position);
    return parseStreamPosition(id, Math.max(nowUs(), ...seen), this.#brokers.length);
  }

  /**
   * Publishes one event, to the partitions of its rooms one after the other: each copy names those before it.
   *
   * @returns where it stands, or `undefined` where it cannot be resumed from
   */
  async publish(
    rooms: readonly string[],
    event: RoomEvent,
    options: PublishOptions,
  ): Promise<StreamPosition | undefined> {
    const place = new Map<number, ResumePoint>();
    let copies: EarlierCopy[] | undefined;
    for (const [partition, own] of this.group(rooms)) {
      const { replayable, epoch, position } = await this.#broker(partition).publish(own, event, {
        ...options,
        copies,
      });
      if (replayable) place.set(partition, { epoch, position });
      copies = [...(copies ?? []), { partition, position: replayable ? position : 0, rooms: own }];
    }
    return place.size === 0 ? undefined : place;
  }

  async read(
    partition: number,
    rooms: readonly string[],
    after: Position | undefined,
    { newest, maxBytes }: { readonly newest?: number; readonly maxBytes?: number } = {},
  ): Promise<HistoryPage> {
    const page = await this.#broker(partition).read(rooms, after, newest, maxBytes);
    if (this.isPartitioned) for (const message of page.messages) message.partition = partition;
    return page;
  }

  async close(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.close()));
  }

  #broker(partition: number): SseBroker {
    return this.#brokers[partition] as SseBroker;
  }
}

function worst(states: readonly BrokerState[]): BrokerState {
  return (['down', 'syncing'] as const).find((state) => states.includes(state)) ?? 'live';
}
