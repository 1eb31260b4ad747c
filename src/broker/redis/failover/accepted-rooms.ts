/** Rooms remembered, over all partitions. With 10,000 rooms about 2 MB. */
const MAX_ROOMS = 10_000;

interface LastEvent {
  readonly epoch: string;
  /** Time of the reply of Redis, by the monotonic clock of this process. */
  readonly acceptedMs: number;
}

/** Rooms with events that may be missing in the current epoch; `all` if there may be more than those remembered. */
export interface LostRooms {
  readonly names: readonly string[];
  readonly all: boolean;
}

/** Remembers for each room when Redis has accepted an event of this node last, and in which epoch. */
export class AcceptedRooms {
  /** The room of the oldest event comes first. */
  readonly #rooms = new Map<string, LastEvent>();
  readonly #maxRooms: number;
  /** The newest event among rooms that were dropped over the limit. */
  #dropped: LastEvent | undefined;

  constructor(partitions: number) {
    this.#maxRooms = Math.ceil(MAX_ROOMS / partitions);
  }

  get isEmpty(): boolean {
    return this.#rooms.size === 0;
  }

  add(names: readonly string[], epoch: string, acceptedMs = performance.now()): void {
    for (const name of names) {
      this.#rooms.delete(name);
      this.#rooms.set(name, { epoch, acceptedMs });
    }
    for (const [name, last] of this.#rooms) {
      if (this.#rooms.size <= this.#maxRooms) break;
      this.#rooms.delete(name);
      this.#dropped = last;
    }
  }

  /**
   * Takes the rooms with an event of another epoch that was accepted after the current epoch had begun. Clients were
   * notified of the gap of the current epoch before such an event, which may exist in no other Redis. Forgets all events of
   * other epochs.
   */
  takeLost(epoch: string, beganMs: number): LostRooms {
    const isLost = (last: LastEvent): boolean => last.epoch !== epoch && last.acceptedMs >= beganMs;
    const names: string[] = [];
    for (const [name, last] of this.#rooms) {
      if (last.epoch === epoch) continue;
      if (isLost(last)) names.push(name);
      this.#rooms.delete(name);
    }
    const all = this.#dropped !== undefined && isLost(this.#dropped);
    if (this.#dropped?.epoch !== epoch) this.#dropped = undefined;
    return { names, all };
  }
}
