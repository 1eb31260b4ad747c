import type { Cursor } from '../connection/cursor.js';
import { LostCopies } from './lost-copies.js';
import { formatStreamPosition, type StreamPosition } from '../protocol/stream-position.js';
import type { Position, ResumePoint } from '../protocol/position.js';
import type { EarlierCopy } from '../protocol/room-message.js';
import { EVERYONE } from '../protocol/room-name.js';
import type { SseFrame } from '../protocol/sse-frame.js';

/** What a cursor needs to know of its node. */
export interface PartitionPositions {
  partitionOf(room: string): number;
  /** Up to where a live client has been sent everything of a partition. */
  positionOf(partition: number): ResumePoint;
  readonly stamped: StampedFrames;
  /** Gaps of this node: their copies have reached none of its live clients. */
  readonly lostCopies: LostCopies;
}

/** A room that the client is in. */
interface Membership {
  readonly partition: number;
  since: Position;
}

/**
 * The forms of the frame that is being handed out, by the partitions that their ids name: clients that stand at the
 * same place get the same bytes, made once.
 */
export class StampedFrames {
  #of: SseFrame | undefined;
  readonly #forms = new Map<string, { readonly place: StreamPosition; readonly frame: SseFrame }>();

  /** @param name the partitions of the place */
  take(frame: SseFrame, name: string, pointOf: (partition: number) => ResumePoint): SseFrame | undefined {
    if (this.#of !== frame) return undefined;
    const known = this.#forms.get(name);
    if (known === undefined) return undefined;
    for (const [partition, { epoch, position }] of known.place) {
      const own = pointOf(partition);
      if (own.position !== position || own.epoch !== epoch) return undefined;
    }
    return known.frame;
  }

  keep(
    frame: SseFrame,
    name: string,
    form: { readonly place: StreamPosition; readonly frame: SseFrame },
  ): void {
    if (this.#of !== frame) this.#forms.clear();
    this.#of = frame;
    this.#forms.set(name, form);
  }
}

/**
 * The cursor of a client of a broker with several partitions: a point in each. The `id:` of an event names where the client
 * stands in all partitions that it has rooms in, so that one id resumes them all.
 */
export class PartitionedCursor implements Cursor {
  readonly #node: PartitionPositions;
  readonly #points: ResumePoint[];
  readonly #rooms = new Map<string, Membership>();
  /** Gaps of this client's own resume. */
  #lostCopies: LostCopies | undefined;
  /** The partitions of its rooms in ascending order, and their name; made when needed. */
  #partitions: { readonly list: readonly number[]; readonly name: string } | undefined;

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

  hasReceivedCopy(copies: readonly EarlierCopy[]): boolean {
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
    const { list, name } = (this.#partitions ??= this.#listPartitions());
    if (live) {
      // What this node has delivered elsewhere, a live client has been sent too: most clients stand where the node does.
      for (const partition of list) {
        if (partition === frame.partition) continue;
        const [own, node] = [this.point(partition), this.#node.positionOf(partition)];
        if (own.epoch === node.epoch && own.position < node.position) this.#points[partition] = node;
      }
    }
    const pointOf = (partition: number): ResumePoint => this.point(partition);
    const known = this.#node.stamped.take(frame, name, pointOf);
    if (known !== undefined) return known;
    const place = new Map(list.map((partition) => [partition, pointOf(partition)]));
    const stamped = frame.withId(formatStreamPosition(place, true));
    this.#node.stamped.keep(frame, name, { place, frame: stamped });
    return stamped;
  }

  #listPartitions(): { list: readonly number[]; name: string } {
    const partitions = new Set(Array.from(this.#rooms.values(), ({ partition }) => partition));
    const list = [...partitions].toSorted((a, b) => a - b);
    return { list, name: list.join() };
  }
}
