import { isAnnounced } from './announcement.js';
import { describeLoss, describeRepeat } from './describe-faults.js';
import { GapRecord, RoomLine } from './room-line.js';
import type { Verdict } from './verdict.js';

/** One event that the broker accepted. */
export interface PublishedEvent {
  /** Identifies the event: its text, or the number that its text begins with. */
  readonly key: string;
  readonly rooms: readonly string[];
  /** The position that the publisher was given, for each partition of the broker that the event went to. */
  readonly positions: ReadonlyMap<number, number>;
}

/** One thing that a client received. */
export type ReceivedItem =
  | {
      readonly kind: 'event';
      readonly key: string;
      /** The position under which it was delivered; that of its publication where the client cannot know it. */
      readonly position?: number;
    }
  | {
      readonly kind: 'gap';
      readonly rooms: readonly string[];
      /** The gap covers events up to this position of a partition, the newest one when the gap was received. */
      readonly until: (partition: number) => number;
    };

/** Everything that one client received from its first connection to its last, over all reconnects. */
export interface ClientRecord {
  readonly rooms: readonly string[];
  /** The client's first position in each partition of its rooms: it must receive every later event. */
  readonly start: ReadonlyMap<number, number> | undefined;
  readonly received: readonly ReceivedItem[];
  /** True for a client that stayed until the end, so that an event that it never received is missing. */
  readonly isComplete: boolean;
}

/** A published event as one client must receive it: through one partition. */
interface ExpectedEvent {
  readonly key: string;
  readonly partition: number;
  readonly position: number;
  readonly rooms: readonly string[];
  /** True where the client connected between two copies of the event: it may miss the event or receive it once. */
  readonly isOptional: boolean;
}

/** Silent losses, and events received again, that are described in the output of the test run. */
const MAX_DESCRIBED = 3;

/** Compares what each client received with what was published. */
export class Judge {
  readonly #byKey = new Map<string, PublishedEvent>();
  readonly #byRoom = new Map<string, PublishedEvent[]>();
  readonly #partitionOf: (room: string) => number;
  readonly #isComparable: boolean;
  readonly #newest = new Map<number, number>();

  /**
   * @param partitionOf the partition of a room; 0 for all rooms by default
   * @param isComparable false where two masters accept events at the same time: a gap that a client receives after the
   * event was accepted announces it, whatever the client received before
   */
  constructor(partitionOf: (room: string) => number = () => 0, isComparable = true) {
    this.#partitionOf = partitionOf;
    this.#isComparable = isComparable;
  }

  /** Records an accepted event. */
  add(event: PublishedEvent): void {
    for (const [partition, position] of event.positions) {
      this.#newest.set(partition, Math.max(this.newest.get(partition) ?? 0, position));
    }
    this.#byKey.set(event.key, event);
    for (const room of event.rooms) {
      const events = this.#byRoom.get(room);
      if (events === undefined) this.#byRoom.set(room, [event]);
      else events.push(event);
    }
  }

  /** The number of events. */
  get size(): number {
    return this.#byKey.size;
  }

  /** The position of the newest event in each partition. */
  get newest(): ReadonlyMap<number, number> {
    return this.#newest;
  }

  judge(records: Iterable<ClientRecord>): Verdict {
    const verdict: Verdict = {
      deliveries: 0,
      silentLosses: 0,
      announcedLosses: 0,
      duplicates: 0,
      duplicatesAfterGap: 0,
      repeatedAfterGap: 0,
      outOfOrder: 0,
      lateAfterGap: 0,
      foreign: 0,
      gaps: 0,
    };
    for (const record of records) this.#judge(record, verdict);
    return verdict;
  }

  #judge(record: ClientRecord, verdict: Verdict): void {
    if (record.start === undefined && !record.isComplete) return;
    const lines = new Map(record.rooms.map((room) => [room, new RoomLine()]));
    const newest = new Map(record.start);
    const received = new Set<string>();
    let hasGap = false;
    for (const [index, item] of record.received.entries()) {
      if (item.kind === 'gap') {
        verdict.gaps++;
        hasGap = true;
        for (const room of item.rooms) {
          lines.get(room)?.gaps.push(new GapRecord(index, item.until(this.#partitionOf(room))));
        }
        continue;
      }
      verdict.deliveries++;
      const published = this.#byKey.get(item.key);
      const first = published && this.#expected(published, record);
      if (published === undefined || first === undefined) {
        verdict.foreign++;
        continue;
      }
      const expected = this.#laterCopy(published, first, lines, newest) ?? first;
      // The event is not missing in the rooms of its first copy either.
      if (expected !== first)
        for (const room of first.rooms) lines.get(room)?.receive(item.key, undefined, index);
      const position = item.position ?? expected.position;
      const own = expected.rooms.map((room) => lines.get(room) as RoomLine);
      const isRepeated = own.some((line) => line.has(item.key));
      if (isRepeated) {
        const isAfterGap = own.every((line) => line.hasGapSince(line.indexOf(item.key)));
        verdict[isAfterGap ? 'duplicatesAfterGap' : 'duplicates']++;
        if (!isAfterGap && verdict.duplicates <= MAX_DESCRIBED) describeRepeat(published, record, index);
        if (isAfterGap && received.has(`${position} ${item.key}`)) verdict.repeatedAfterGap++;
      } else if (!expected.isOptional && position <= (newest.get(expected.partition) ?? 0)) {
        const passed = own.filter((line) => position <= line.newestPosition);
        const isAfterGap =
          passed.length > 0 ? passed.every((line) => line.hasGapSince(line.newestIndex)) : hasGap;
        verdict[isAfterGap ? 'lateAfterGap' : 'outOfOrder']++;
      }
      received.add(`${position} ${item.key}`);
      for (const line of own) line.receive(item.key, expected.isOptional ? undefined : position, index);
      if (!expected.isOptional) {
        newest.set(expected.partition, Math.max(newest.get(expected.partition) ?? 0, position));
      }
    }
    for (const [room, line] of lines) this.#countLosses(room, line, lines, record, verdict);
  }

  /**
   * Chooses the partition of a later copy, for an event whose first copy a gap has announced as lost: the client
   * receives the next copy, in the order of that partition.
   */
  #laterCopy(
    published: PublishedEvent,
    first: ExpectedEvent,
    lines: ReadonlyMap<string, RoomLine>,
    newest: ReadonlyMap<number, number>,
  ): ExpectedEvent | undefined {
    if (first.position > (newest.get(first.partition) ?? 0)) return undefined;
    if (!first.rooms.every((room) => lines.get(room)?.isAnnounced(first.position))) return undefined;
    for (const [partition, position] of published.positions) {
      const rooms = published.rooms.filter(
        (room) => lines.has(room) && this.#partitionOf(room) === partition,
      );
      if (partition <= first.partition || rooms.length === 0) continue;
      if (position > (newest.get(partition) ?? 0)) return { ...first, partition, position, rooms };
    }
    return undefined;
  }

  /** An event in rooms of several partitions is announced by gaps of all its rooms: each of them may have had a copy. */
  #isAnnounced({ rooms, positions }: PublishedEvent, lines: ReadonlyMap<string, RoomLine>): boolean {
    const copies = Array.from(positions, ([partition, position]) => ({
      partition,
      position,
      lines: rooms
        .filter((room) => this.#partitionOf(room) === partition)
        .flatMap((room) => lines.get(room) ?? []),
    })).toSorted((a, b) => a.partition - b.partition);
    if (this.#isComparable) return isAnnounced(copies);
    return copies.every((copy) => copy.lines.every((line) => line.gapsOf(copy.position).length > 0));
  }

  #countLosses(
    room: string,
    line: RoomLine,
    lines: ReadonlyMap<string, RoomLine>,
    record: ClientRecord,
    verdict: Verdict,
  ): void {
    const start = startOf(record.start, this.#partitionOf(room));
    for (const published of this.#byRoom.get(room) ?? []) {
      if (line.has(published.key)) continue;
      const expected = this.#expected(published, record);
      if (expected === undefined || expected.isOptional || !expected.rooms.includes(room)) continue;
      const { position } = expected;
      if (position <= start || (!record.isComplete && position > line.newestPosition)) continue;
      if (this.#isAnnounced(published, lines)) verdict.announcedLosses++;
      else {
        verdict.silentLosses++;
        if (verdict.silentLosses <= MAX_DESCRIBED)
          describeLoss(published, record, (key) => this.#byKey.get(key));
      }
    }
  }

  /**
   * Chooses the partition through which a client receives an event: the first one in which it has a room of the event
   * and was connected in time. The copies in several partitions are published one after the other, and a client may
   * connect in between.
   */
  #expected(event: PublishedEvent, { rooms, start }: ClientRecord): ExpectedEvent | undefined {
    const shared = event.rooms.filter((room) => rooms.includes(room));
    if (shared.length === 0) return undefined;
    const partitions = shared.map(this.#partitionOf).toSorted((a, b) => a - b);
    const isInTime = (each: number): boolean => (event.positions.get(each) ?? 0) > (start?.get(each) ?? 0);
    const inTime = partitions.find(isInTime);
    const partition = inTime ?? Math.min(...partitions);
    return {
      key: event.key,
      partition,
      position: event.positions.get(partition) ?? 0,
      rooms: shared.filter((room) => this.#partitionOf(room) === partition),
      isOptional: inTime !== undefined && !partitions.every(isInTime),
    };
  }
}

/** @throws an error where the client has a first position, but none in this partition */
function startOf(start: ReadonlyMap<number, number> | undefined, partition: number): number {
  if (start === undefined) return 0;
  const position = start.get(partition);
  if (position === undefined) throw new Error(`The client was given no position of partition ${partition}.`);
  return position;
}
