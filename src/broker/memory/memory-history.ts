import { nowUs, type Position } from '../../protocol/position.js';
import { RoomMap } from '../../protocol/collections/room-map.js';
import type { RoomMessage } from '../../protocol/room-message.js';
import type { HistoryPolicy } from '../broker.interface.js';
import { isComplete, lastPositionTtlMs, newestLoss, type RoomEvidence } from '../completeness.js';
import { HistoryTrimmer } from '../history/history-trimmer.js';
import { SlicedSweep } from '../history/sliced-sweep.js';
import { countWithin } from '../page-bytes.js';
import { mergeByPosition, RoomHistory } from '../room-history.js';
import { QuietRooms } from './quiet-rooms.js';

const MIN_SWEEP_MS = 1_000;
const MAX_SWEEP_MS = 60_000;

export interface HistorySlice {
  readonly messages: RoomMessage[];
  readonly incompleteRooms: string[];
  /** As in `HistoryPage.lostUpTo`. */
  readonly lostUpTo: ReadonlyMap<string, Position>;
  /** As in `HistoryPage.hasMore`. */
  readonly hasMore: boolean;
}

/** Stores the history of all rooms of one process. `HistoryTrimmer` bounds it. */
export class MemoryHistory {
  readonly #policy: HistoryPolicy;
  readonly #rooms = new RoomMap<RoomHistory>();
  readonly #quiet = new QuietRooms((room) => this.#rooms.delete(room.name));
  readonly #trimmer: HistoryTrimmer;
  readonly #sweep = new SlicedSweep<RoomHistory>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(policy: HistoryPolicy) {
    this.#policy = policy;
    this.#trimmer = new HistoryTrimmer(policy.maxBytes, this.#quiet);
  }

  keepsHistoryOf(room: string): boolean {
    return this.#rooms.has(room) || this.#policy.limitsOf(room) !== false;
  }

  add(message: RoomMessage): void {
    this.#trimmer.add(
      message,
      message.rooms.flatMap((name) => this.#room(name) ?? []),
    );
    this.#sweeper ??= setInterval(() => this.#dropExpired(), this.#sweepEveryMs(message.rooms)).unref();
  }

  after(rooms: readonly string[], after: Position, now: Position, maxBytes = Infinity): HistorySlice {
    const found: RoomMessage[] = [];
    const lostUpTo = new Map<string, Position>();
    for (const name of rooms) {
      const limits = this.#policy.limitsOf(name);
      if (limits === false) continue;
      const room = this.#rooms.get(name);
      if (room !== undefined) this.#trimmer.expire(room, now);
      const entries = room?.after(after, maxBytes) ?? [];
      const [first] = entries;
      const evidence: RoomEvidence = {
        first: first && { position: first.message.position, previous: first.previous },
        last: room?.lastPosition,
        unstored: room?.unknownUpTo ?? this.#quiet.forgottenUpTo,
        now,
        lastPositionTtlUs: lastPositionTtlMs(limits) * 1_000,
      };
      if (!isComplete(after, evidence)) lostUpTo.set(name, newestLoss(evidence));
      for (const entry of entries) found.push(entry.message);
    }
    const messages = mergeByPosition(found);
    const count = countWithin(messages, maxBytes);
    return {
      messages: messages.slice(0, count),
      incompleteRooms: [...lostUpTo.keys()],
      lostUpTo,
      hasMore: count < messages.length,
    };
  }

  newest(rooms: readonly string[], count: number): HistorySlice {
    const now = nowUs();
    const found = rooms.flatMap((name) => {
      const room = this.#rooms.get(name);
      if (room !== undefined) this.#trimmer.expire(room, now);
      return room?.newest(count).map((entry) => entry.message) ?? [];
    });
    return { messages: mergeByPosition(found), incompleteRooms: [], lostUpTo: new Map(), hasMore: false };
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#sweep.stop();
    this.#rooms.clear();
    this.#trimmer.clear();
    this.#quiet.clear();
  }

  #room(name: string): RoomHistory | undefined {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const limits = this.#policy.limitsOf(name);
    if (limits === false) return undefined;
    const room = new RoomHistory(limits, name);
    room.unknownUpTo = this.#quiet.forgottenUpTo;
    this.#rooms.set(name, room);
    return room;
  }

  #sweepEveryMs(rooms: readonly string[]): number {
    const ages = rooms.map((name) => this.#rooms.get(name)?.limits.maxAgeMs ?? MAX_SWEEP_MS);
    return Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, Math.min(...ages) / 4));
  }

  /** Drops expired events, and empty rooms whose last position is older than its TTL. */
  #dropExpired(): void {
    const now = nowUs();
    this.#sweep.start(
      this.#rooms.values(),
      (room) => {
        this.#trimmer.expire(room, now);
        const lifetimeUs = lastPositionTtlMs(room.limits) * 1_000;
        if (room.size > 0 || now - room.lastPosition <= lifetimeUs) return;
        this.#rooms.delete(room.name);
        if (room.isQuiet) this.#quiet.ended(room);
      },
      () => this.#swept(),
    );
  }

  #swept(): void {
    this.#trimmer.compact();
    if (this.#rooms.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
