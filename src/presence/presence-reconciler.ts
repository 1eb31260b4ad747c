import type { PresenceStore, PresentUser } from '../broker/presence-store.interface.js';
import { presenceEvent, type PresenceChange } from '../protocol/presence-event.js';
import type { PresenceHost } from './presence-host.interface.js';
import { EmittedMembers } from './emitted-members.js';

/** Times of the comparison, in milliseconds. */
export interface ReconcilerTimes {
  /** Pause between two batches of comparisons. */
  readonly batchMs: number;
  /** Interval at which the members of a room are compared, at least by their number. */
  readonly compareMs: number;
  /** Interval at which they are compared one by one, even if their number is right. */
  readonly listMs: number;
  /** As in `EmittedMembers.compare`. Nodes write their members again within a heartbeat of 5 s after a loss of all data. */
  readonly leaveAfterMs: number;
}

/** Within about 20 s a lost leave is emitted, and a lost join within 10 s; after a minute even if their numbers are equal. */
export const RECONCILER_TIMES: ReconcilerTimes = {
  batchMs: 1_000,
  compareMs: 10_000,
  listMs: 60_000,
  leaveAfterMs: 8_000,
};

/** Rooms compared in one batch. Bounds the load of a node with many rooms, which then takes longer for a round. */
const ROOMS_PER_BATCH = 200;

/** Comparisons at a time. */
const CONCURRENT = 16;

/**
 * Brings the changes that this node emits into line with the lists of members. A change is delivered at most once, so after an
 * interruption, and periodically, the node compares what it last emitted with the list, and emits the difference.
 *
 * Rooms are remembered while a client or subscriber of this node receives their changes.
 */
export class PresenceReconciler {
  readonly #storeOf: (room: string) => PresenceStore | undefined;
  readonly #host: PresenceHost;
  readonly #times: ReconcilerTimes;
  readonly #rooms = new Map<string, EmittedMembers>();
  #timer: NodeJS.Timeout | undefined;
  #isComparing = false;
  #closed = false;

  constructor(
    storeOf: (room: string) => PresenceStore | undefined,
    host: PresenceHost,
    times: ReconcilerTimes = RECONCILER_TIMES,
  ) {
    this.#storeOf = storeOf;
    this.#host = host;
    this.#times = times;
  }

  /** Counts one more listener of a room. */
  enter(name: string): void {
    if (this.#closed) return;
    let room = this.#rooms.get(name);
    if (room === undefined) this.#rooms.set(name, (room = new EmittedMembers()));
    room.listeners++;
    this.#timer ??= setInterval(() => void this.#compareBatch(), this.#times.batchMs).unref();
  }

  /** Counts one listener of a room less. */
  exit(name: string): void {
    const room = this.#rooms.get(name);
    if (room === undefined || --room.listeners > 0) return;
    this.#rooms.delete(name);
    if (this.#rooms.size === 0) this.#stop();
  }

  /** Records a change. @returns `false` for a change that is not to be emitted, as in `EmittedMembers.observe` */
  observe(change: PresenceChange): boolean {
    return this.#rooms.get(change.room)?.observe(change) ?? true;
  }

  /** Compares all rooms now: changes may have been lost. */
  handleInterruption(): void {
    for (const room of this.#rooms.values()) room.changesLost();
    void this.#compareBatch();
  }

  close(): void {
    this.#closed = true;
    this.#rooms.clear();
    this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #compareBatch(): Promise<void> {
    if (this.#isComparing) return;
    this.#isComparing = true;
    const due: string[] = [];
    for (const [name, { dueMs }] of this.#rooms) {
      if (dueMs > performance.now()) continue;
      due.push(name);
      if (due.length >= ROOMS_PER_BATCH) break;
    }
    const worker = async (): Promise<void> => {
      for (let name = due.pop(); name !== undefined; name = due.pop()) {
        const isReachable = await this.#compare(name);
        if (!isReachable) due.length = 0;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, worker));
    this.#isComparing = false;
  }

  /** @returns `false` where the store cannot be reached; the next batch tries again */
  async #compare(name: string): Promise<boolean> {
    const room = this.#rooms.get(name);
    const store = this.#storeOf(name);
    // A list that predates the subscription would lack the changes in between.
    if (room === undefined || store === undefined || this.#host.whenSubscribed(name) !== undefined)
      return true;
    // The rooms that were compared least recently come first.
    this.#rooms.delete(name);
    this.#rooms.set(name, room);
    const list = await this.#readIfDifferent(name, room, store).catch(() => null);
    if (list === null) room.dueMs = room.listDueMs = 0;
    if (list === null || list === undefined || this.#rooms.get(name) !== room) return list !== null;
    for (const { type, user, info } of room.compare(list, performance.now(), this.#times.leaveAfterMs)) {
      this.#host.deliver(name, presenceEvent(type, name, user, info));
    }
    return true;
  }

  /** Reads the list, unless it may be taken for known since the number of members is right. */
  async #readIfDifferent(
    name: string,
    room: EmittedMembers,
    store: PresenceStore,
  ): Promise<readonly PresentUser[] | undefined> {
    const nowMs = performance.now();
    // Set before the calls: an interruption meanwhile makes the room due again.
    room.dueMs = nowMs + this.#times.compareMs;
    if (nowMs < room.listDueMs && room.settledSize !== undefined) {
      const { users } = await store.count(name);
      if (users === room.settledSize) return undefined;
    }
    room.listDueMs = nowMs + this.#times.listMs;
    room.listRequested();
    return store.members(name);
  }
}
