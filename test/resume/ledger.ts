/** One published event, with its place in the order of all: one for each partition of the broker that it went to. */
export interface Publication {
  readonly n: number;
  readonly rooms: readonly string[];
  readonly positions: ReadonlyMap<number, number>;
}

/** A publication as a page is to hear it: through one partition. */
interface Owed {
  readonly n: number;
  readonly position: number;
  readonly rooms: readonly string[];
  /** Whether the page came for the first time between two of its copies: then it may miss it, and hears it once at most. */
  readonly isOptional: boolean;
}

/** An `sse:gap`: it speaks of what was published until it was heard, and of nothing later. */
export interface HeardGap {
  readonly rooms: readonly string[];
  readonly until: number;
}

/** An event by its number, or a gap. */
export type Heard = number | HeardGap;

/** What one page heard from its first connection to its last, over all its reconnects. */
export interface Life {
  readonly rooms: readonly string[];
  /** The first position it was given in each partition of its rooms: from there on nothing may be missing. */
  baseline: ReadonlyMap<number, number> | undefined;
  readonly heard: Heard[];
  /** Whether it stayed to the end, so that what it did not hear at all is missing too. */
  complete: boolean;
}

export interface Verdict {
  deliveries: number;
  /** Events that never came, and of which no gap spoke in time. */
  silentLosses: number;
  duplicates: number;
  disorder: number;
  /** Events of rooms that the page was not in. */
  foreign: number;
  /** `sse:gap` events heard. */
  gaps: number;
  /** Events that never came, in a room that a gap had named before anything newer of it was heard. */
  announcedLosses: number;
}

/** The truth: what was published, and in which order. */
export class Ledger {
  readonly #byNumber = new Map<number, Publication>();
  readonly #byRoom = new Map<string, Publication[]>();
  readonly #partitionOf: (room: string) => number;
  #newest = 0;

  constructor(partitionOf: (room: string) => number = () => 0) {
    this.#partitionOf = partitionOf;
  }

  add(publication: Publication): void {
    this.#newest = Math.max(this.#newest, ...publication.positions.values());
    this.#byNumber.set(publication.n, publication);
    for (const room of publication.rooms) {
      const log = this.#byRoom.get(room);
      if (log === undefined) this.#byRoom.set(room, [publication]);
      else log.push(publication);
    }
  }

  get size(): number {
    return this.#byNumber.size;
  }

  /** The position of the newest event. */
  get newest(): number {
    return this.#newest;
  }

  judge(lives: Iterable<Life>): Verdict {
    const verdict: Verdict = {
      deliveries: 0,
      silentLosses: 0,
      duplicates: 0,
      disorder: 0,
      foreign: 0,
      gaps: 0,
      announcedLosses: 0,
    };
    for (const life of lives) this.#judge(life, verdict);
    return verdict;
  }

  #judge(life: Life, verdict: Verdict): void {
    const { rooms, baseline, heard, complete } = life;
    if (baseline === undefined) return;
    const cursors = new Map(
      rooms.map((room) => [
        room,
        new RoomCursor(this.#logOf(room, life), startOf(baseline, this.#partitionOf(room))),
      ]),
    );
    const seen = new Set<number>();
    const newest = new Map(baseline);
    for (const item of heard) {
      if (typeof item !== 'number') {
        verdict.gaps++;
        for (const room of item.rooms) cursors.get(room)?.announce(item.until);
        continue;
      }
      verdict.deliveries++;
      const publication = this.#byNumber.get(item);
      const owed = publication && this.#owed(publication, life);
      if (owed === undefined) verdict.foreign++;
      else if (seen.has(item)) verdict.duplicates++;
      else {
        seen.add(item);
        if (owed.isOptional) continue;
        const partition = this.#partitionOf(owed.rooms[0] as string);
        const before = startOf(newest, partition);
        if (owed.position <= before) verdict.disorder++;
        newest.set(partition, Math.max(before, owed.position));
        for (const room of owed.rooms) cursors.get(room)?.hear(owed, verdict);
      }
    }
    if (complete) for (const cursor of cursors.values()) cursor.end(verdict);
  }

  /** What a page in these rooms is owed of one of them, by position. */
  #logOf(room: string, life: Life): Owed[] {
    return (this.#byRoom.get(room) ?? [])
      .flatMap((publication) => this.#owed(publication, life) ?? [])
      .filter((owed) => owed.rooms.includes(room) && !owed.isOptional)
      .toSorted((a, b) => a.position - b.position);
  }

  /**
   * Through the first partition in which the page has a room of the event and was there in time; it is owed in that one's
   * rooms. Its copies in several partitions are published one after the other: a page may come in between.
   */
  #owed({ n, rooms, positions }: Publication, { rooms: of, baseline }: Life): Owed | undefined {
    const mine = rooms.filter((room) => of.includes(room));
    if (mine.length === 0) return undefined;
    const partitions = mine.map(this.#partitionOf).toSorted((a, b) => a - b);
    const isInTime = (each: number): boolean => (positions.get(each) ?? 0) > (baseline?.get(each) ?? 0);
    const inTime = partitions.find(isInTime);
    const partition = inTime ?? Math.min(...partitions);
    const own = mine.filter((room) => this.#partitionOf(room) === partition);
    const isOptional = inTime !== undefined && !partitions.every(isInTime);
    return { n, position: positions.get(partition) as number, rooms: own, isOptional };
  }
}

function startOf(positions: ReadonlyMap<number, number>, partition: number): number {
  const start = positions.get(partition);
  if (start === undefined) throw new Error(`The page was given no position of partition ${partition}.`);
  return start;
}

/** How far one page has come in one room. */
class RoomCursor {
  #next: number;
  #announcedUntil = 0;

  constructor(
    private readonly log: readonly Owed[],
    baseline: number,
  ) {
    this.#next = this.#indexAfter(baseline);
  }

  announce(until: number): void {
    this.#announcedUntil = until;
  }

  hear({ position }: Owed, verdict: Verdict): void {
    const index = this.#indexAfter(position) - 1;
    if (index < this.#next) return;
    this.#count(index, verdict);
    this.#next = index + 1;
  }

  end(verdict: Verdict): void {
    this.#count(this.log.length, verdict);
  }

  #count(end: number, verdict: Verdict): void {
    for (const { position } of this.log.slice(this.#next, end)) {
      if (position <= this.#announcedUntil) verdict.announcedLosses++;
      else verdict.silentLosses++;
    }
  }

  #indexAfter(position: number): number {
    let low = 0;
    let high = this.log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.log[middle] as Owed).position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
