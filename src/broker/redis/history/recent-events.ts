import { nowUs, type Position } from '../../../protocol/position.js';
import { RoomMap } from '../../../protocol/collections/room-map.js';
import type { RoomMessage } from '../../../protocol/room-message.js';
import type { HistoryPage, HistoryPolicy, RoomHistoryLimits } from '../../broker.interface.js';
import { isComplete, lastPositionTtlMs } from '../../completeness.js';
import { HistoryTrimmer } from '../../history/history-trimmer.js';
import { SlicedSweep } from '../../history/sliced-sweep.js';
import { countWithin } from '../../page-bytes.js';
import { mergeByPosition, RoomHistory, type HistoryEntry } from '../../room-history.js';
import { clampedLimits } from '../data/clamped-limits.js';
import type { LocalRoom, LocalRooms } from '../feed/local-rooms.js';

/** Interval at which expired events are dropped, in milliseconds. Reads never return expired events. */
const SWEEP_INTERVAL_MS = 30_000;

/** Epoch and positions of this node. */
export interface NodePosition {
  readonly epoch: string;
  /** Every event up to this position has been delivered in the subscribed rooms. */
  readonly position: Position;
  /** The greatest position that this node has seen, delivered or not. */
  readonly newestPosition: Position;
}

/**
 * Keeps the events that this node has recently delivered in its subscribed rooms, so that most resumes need no read
 * from Redis.
 *
 * A room's local history starts at the room's subscription, or after the last event that was dropped or not received.
 * From there it is complete up to the node's position. Each entry names the position of the previous event, so
 * `isComplete` decides with the same rule as for history in Redis. An incomplete read returns `undefined`, and Redis
 * is read instead.
 *
 * Example: room `a` was subscribed at position 10 and received events at 20 and 30. A read after 10 or 20 is
 * complete; a read after 5 returns `undefined`, since an event between 5 and 10 could exist in Redis.
 */
export class RecentEvents {
  readonly #policy: HistoryPolicy;
  readonly #rooms: LocalRooms;
  readonly #trimmer: HistoryTrimmer;
  /** Contains subscribed rooms that have received an event. */
  readonly #histories = new RoomMap<RoomHistory>();
  readonly #sweep = new SlicedSweep<RoomHistory>();
  readonly #sweeper: NodeJS.Timeout;
  /** Number of calls of `skip` that concerned this node. */
  skipped = 0;

  /** @param maxBytes limit over all rooms */
  constructor(policy: HistoryPolicy, rooms: LocalRooms, maxBytes: number) {
    this.#policy = policy;
    this.#rooms = rooms;
    // A room without events takes no memory here: its last position is stored with the room.
    const nothingKept = { bytes: 0, oldestPosition: Infinity, ended: () => {}, forgetOldest: () => {} };
    this.#trimmer = new HistoryTrimmer(maxBytes, {
      ...nothingKept,
      emptied: (history) => this.#emptied(history),
    });
    this.#sweeper = setInterval(() => this.#dropExpired(), SWEEP_INTERVAL_MS).unref();
  }

  /**
   * Adds an event to the history of each subscribed room. Called by ascending position, before the event is
   * delivered, so that a client that attaches meanwhile reads it.
   *
   * @param previous position of the previous event in each of its rooms, for an event received on a channel. If
   * that event was not received here, reads from before it return `undefined`.
   */
  add(message: RoomMessage, previous: readonly Position[] = []): void {
    const histories: RoomHistory[] = [];
    for (const [index, name] of message.rooms.entries()) {
      const room = this.#rooms.get(name);
      const history = room?.isSubscribed === true ? this.#historyOf(room) : undefined;
      if (history === undefined) continue;
      history.lastPosition = Math.max(history.lastPosition, previous[index] ?? 0);
      histories.push(history);
    }
    this.#trimmer.add(message, histories);
  }

  /**
   * Handles an event that another node has published without history in rooms that have history here: an answer from
   * recent events would lack it. Until the next stored event of these rooms every read returns `undefined`.
   */
  skip(names: readonly string[]): void {
    for (const name of names) {
      const room = this.#rooms.get(name);
      if (room?.isSubscribed !== true || clampedLimits(this.#policy, name) === false) continue;
      this.restart(room, Infinity);
      this.skipped++;
    }
  }

  /** Reads the events after a position. @returns `undefined` if the local history may be incomplete */
  read(
    names: readonly string[],
    after: Position,
    node: NodePosition,
    maxBytes = Infinity,
  ): HistoryPage | undefined {
    if (after > node.position) return undefined;
    const now = Math.max(nowUs(), node.newestPosition);
    const found: RoomMessage[] = [];
    for (const name of new Set(names)) {
      const limits = clampedLimits(this.#policy, name);
      if (limits === false) continue;
      const entries = this.#completeEntries(name, after, now, { limits, maxBytes });
      if (entries === undefined) return undefined;
      for (const { message } of entries) found.push(message);
    }
    const messages = mergeByPosition(found);
    const count = countWithin(messages, maxBytes);
    const hasMore = count < messages.length;
    return {
      epoch: node.epoch,
      position: hasMore ? (messages[count - 1] as RoomMessage).position : node.position,
      messages: messages.slice(0, count),
      incompleteRooms: [],
      hasMore,
      isLocal: true,
    };
  }

  /** Returns `true` if every room with history is subscribed on this node. */
  isSubscribedTo(names: readonly string[]): boolean {
    return names.every(
      (name) => this.#rooms.get(name)?.isSubscribed === true || clampedLimits(this.#policy, name) === false,
    );
  }

  /** Returns `true` if an event at this position has expired in any of the rooms. */
  isExpired(names: readonly string[], position: Position): boolean {
    const ageMs = (nowUs() - position) / 1_000;
    return names.some((name) => {
      const limits = clampedLimits(this.#policy, name);
      return limits !== false && ageMs > limits.maxAgeMs;
    });
  }

  /**
   * Drops a room's events and starts again after a position, when earlier events may be missing or are of a past
   * epoch.
   */
  restart(room: LocalRoom, position: Position): void {
    this.forget(room);
    room.completeAfter = position;
  }

  /** Drops all events of a room, when it is unsubscribed. */
  forget(room: LocalRoom): void {
    const history = this.#histories.get(room.name);
    if (history !== undefined) this.#trimmer.empty(history);
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#sweep.stop();
    this.#histories.clear();
    this.#trimmer.clear();
  }

  /** @returns `undefined` if events may be missing, or if `after` is so old that Redis would report a gap */
  #completeEntries(
    name: string,
    after: Position,
    now: Position,
    { limits, maxBytes }: { readonly limits: RoomHistoryLimits; readonly maxBytes: number },
  ): readonly HistoryEntry[] | undefined {
    const room = this.#rooms.get(name);
    const lastPositionTtlUs = lastPositionTtlMs(limits) * 1_000;
    if (room?.isSubscribed !== true || now - after >= lastPositionTtlUs) return undefined;
    const history = this.#histories.get(room.name);
    if (history !== undefined) this.#trimmer.expire(history, now);
    const entries = history?.after(after, maxBytes) ?? [];
    const [first] = entries;
    const complete = isComplete(after, {
      first: first && { position: first.message.position, previous: first.previous },
      last: history?.lastPosition ?? room.completeAfter,
      now,
      lastPositionTtlUs,
    });
    return complete ? entries : undefined;
  }

  #historyOf(room: LocalRoom): RoomHistory | undefined {
    const existing = this.#histories.get(room.name);
    if (existing !== undefined) return existing;
    const limits = clampedLimits(this.#policy, room.name);
    if (limits === false) return undefined;
    const history = new RoomHistory(limits, room.name);
    history.lastPosition = room.completeAfter;
    this.#histories.set(room.name, history);
    return history;
  }

  /** Forgets a history without events, and keeps the position after which the room is complete. */
  #emptied(history: RoomHistory): void {
    this.#histories.delete(history.name);
    const room = this.#rooms.get(history.name);
    if (room !== undefined) room.completeAfter = history.lastPosition;
  }

  #dropExpired(): void {
    const now = nowUs();
    this.#sweep.start(
      this.#histories.values(),
      (history) => this.#trimmer.expire(history, now),
      () => this.#trimmer.compact(),
    );
  }
}
