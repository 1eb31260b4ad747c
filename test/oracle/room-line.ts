/** One gap, at its index among everything that the client received. */
export class GapRecord {
  constructor(
    readonly index: number,
    readonly until: number,
  ) {}
}

/** The events and gaps that one client received in one room. */
export class RoomLine {
  readonly gaps: GapRecord[] = [];
  readonly #indexes = new Map<string, number>();
  /** Each event that was newer than all before it, in the order received. */
  readonly #newer: { readonly position: number; readonly index: number }[] = [];

  get newestPosition(): number {
    return this.#newer.at(-1)?.position ?? 0;
  }

  /** The index at which the newest event was received; -1 before the first. */
  get newestIndex(): number {
    return this.#newer.at(-1)?.index ?? -1;
  }

  has(key: string): boolean {
    return this.#indexes.has(key);
  }

  /** The index at which the event was received last; -1 where it was not. */
  indexOf(key: string): number {
    return this.#indexes.get(key) ?? -1;
  }

  hasGapSince(index: number): boolean {
    return (this.gaps.at(-1)?.index ?? -1) > index;
  }

  /** @param position leaves the newest event as it is where it is undefined */
  receive(key: string, position: number | undefined, index: number): void {
    this.#indexes.set(key, index);
    if (position !== undefined && position > this.newestPosition) this.#newer.push({ position, index });
  }

  /** The index at which the first event after this position was received; `Infinity` where none was. */
  firstNewerThan(position: number): number {
    return this.#newer.find((each) => each.position > position)?.index ?? Infinity;
  }

  /** The gaps that cover this position. */
  gapsOf(position: number): readonly GapRecord[] {
    return this.gaps.filter(({ until }) => until >= position);
  }

  /** Looks for a gap that covers this position and was received before anything newer of the room. */
  isAnnounced(position: number): boolean {
    const newer = this.firstNewerThan(position);
    return this.gapsOf(position).some(({ index }) => index < newer);
  }
}
