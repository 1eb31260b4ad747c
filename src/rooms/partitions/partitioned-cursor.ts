import type { Cursor } from '../../connection/cursor.js';
import { LostCopies } from './lost-copies.js';
import { formatStreamPosition, type StreamPosition } from '../../protocol/stream-position.js';
import type { Position, ResumePoint } from '../../protocol/position.js';
import type { EarlierCopy } from '../../protocol/position.js';
import { EVERYONE } from '../../protocol/input/room-name.js';
import type { SseFrame } from '../../protocol/sse-frame.js';

/** The partitions of a node, as far as a cursor needs them. */
export interface PartitionPositions {
  partitionOf(room: string): number;
  /** The position up to which live clients have received everything of a partition. */
  positionOf(partition: number): ResumePoint;
  readonly stamped: StampedFrames;
  /** Gaps of this node: a copy inside them has reached no live client. */
  readonly lostCopies: LostCopies;
}

/** A room of the client. The client receives events of the room with a position after `since`. */
interface Membership {
  readonly partition: number;
  since: Position;
}

/** A frame with the id of a position. */
interface StampedFrame {
  readonly position: StreamPosition;
  readonly frame: SseFrame;
}

/**
 * The copies of the frame that is being delivered, each with another id, by the partitions that the id names. Clients at
 * the same position share one copy, which is encoded once.
 */
export class StampedFrames {
  #source: SseFrame | undefined;
  readonly #stamped = new Map<string, StampedFrame>();

  /**
   * @param partitionNames the partitions that the id names, joined by commas
   * @param pointOf the client's position in each of them
   * @returns the frame with that id, or `undefined` where none has been encoded yet
   */
  take(
    frame: SseFrame,
    partitionNames: string,
    pointOf: (partition: number) => ResumePoint,
  ): SseFrame | undefined {
    if (this.#source !== frame) return undefined;
    const known = this.#stamped.get(partitionNames);
    if (known === undefined) return undefined;
    for (const [partition, { epoch, position }] of known.position) {
      const point = pointOf(partition);
      if (point.position !== position || point.epoch !== epoch) return undefined;
    }
    return known.frame;
  }

  /** Stores a copy of `source`, and drops the copies of any other frame. */
  store(source: SseFrame, partitionNames: string, stamped: StampedFrame): void {
    if (this.#source !== source) this.#stamped.clear();
    this.#source = source;
    this.#stamped.set(partitionNames, stamped);
  }
}

/**
 * The cursor of a client of a broker with several partitions: one position in each. The `id:` of an event names the client's
 * positions in all partitions of its rooms, so that one id resumes them all.
 */
export class PartitionedCursor implements Cursor {
  readonly #node: PartitionPositions;
  readonly #points: ResumePoint[];
  readonly #rooms = new Map<string, Membership>();
  /** Gaps of this client's own resume. */
  #lostCopies: LostCopies | undefined;
  /** The partitions of the client's rooms in ascending order, also joined by commas. Computed on demand. */
  #partitions: { readonly list: readonly number[]; readonly names: string } | undefined;

  constructor(node: PartitionPositions, points: readonly ResumePoint[]) {
    this.#node = node;
    this.#points = [...points];
    this.joined(EVERYONE, this.point(node.partitionOf(EVERYONE)).position);
  }

  point(partition: number): ResumePoint {
    return this.#points[partition] as ResumePoint;
  }

  move(partition: number, point: ResumePoint): void {
    this.#points[partition] = point;
  }

  countRoomsFrom(partition: number, since: Position): void {
    for (const room of this.#rooms.values()) if (room.partition === partition) room.since = since;
  }

  advance(frame: SseFrame, live: boolean): SseFrame | undefined {
    const { partition, epoch, position } = frame;
    if (position <= this.point(partition).position) return undefined;
    this.#points[partition] = { epoch, position };
    return this.#stamp(frame, live);
  }

  joined(room: string, since: Position | undefined): void {
    this.#rooms.set(room, { partition: this.#node.partitionOf(room), since: since ?? Infinity });
    this.#partitions = undefined;
  }

  left(room: string): void {
    this.#rooms.delete(room);
    this.#partitions = undefined;
  }

  addLoss(
    partition: number,
    rooms: readonly string[],
    {
      from,
      to,
      delivered,
    }: { readonly from: Position; readonly to: Position; readonly delivered: Iterable<Position> },
  ): void {
    this.#lostCopies ??= new LostCopies();
    this.#lostCopies.add(partition, rooms, from, to, delivered);
  }

  hasReceivedCopy(copies: readonly EarlierCopy[] | undefined): boolean {
    if (copies === undefined) return false;
    return copies.some((copy) =>
      copy.rooms.some((room) => {
        const membership = this.#rooms.get(room);
        if (membership === undefined) return false;
        if (copy.position === 0) return true;
        if (membership.since >= copy.position) return false;
        return !this.#node.lostCopies.has(copy, room) && this.#lostCopies?.has(copy, room) !== true;
      }),
    );
  }

  #stamp(frame: SseFrame, live: boolean): SseFrame {
    const { list, names } = (this.#partitions ??= this.#listPartitions());
    if (live) {
      // A live client has received all that this node has delivered in the other partitions. Clients at the position of
      // the node share one frame.
      for (const partition of list) {
        if (partition === frame.partition) continue;
        const [current, node] = [this.point(partition), this.#node.positionOf(partition)];
        if (current.epoch === node.epoch && current.position < node.position) this.#points[partition] = node;
      }
    }
    const pointOf = (partition: number): ResumePoint => this.point(partition);
    const known = this.#node.stamped.take(frame, names, pointOf);
    if (known !== undefined) return known;
    const position = new Map(list.map((partition) => [partition, pointOf(partition)]));
    const stamped = frame.withId(formatStreamPosition(position, true));
    this.#node.stamped.store(frame, names, { position, frame: stamped });
    return stamped;
  }

  #listPartitions(): { list: readonly number[]; names: string } {
    const partitions = new Set(Array.from(this.#rooms.values(), ({ partition }) => partition));
    const list = [...partitions].toSorted((a, b) => a - b);
    return { list, names: list.join() };
  }
}
