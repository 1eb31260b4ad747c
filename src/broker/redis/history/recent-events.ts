import { nowUs, type Position } from '../../../protocol/position.js';
import type { RoomMessage } from '../../../protocol/room-message.js';
import type { HistoryPage, HistoryPolicy, RoomHistoryLimits } from '../../broker.interface.js';
import { isComplete } from '../../completeness.js';
import { HistoryTrimmer } from '../../history-trimmer.js';
import { mergeByPosition } from '../../merge-by-position.js';
import { lastPositionTtlMs } from '../../last-position-ttl.js';
import { RoomHistory, type HistoryEntry } from '../../room-history.js';
import { clampedLimits } from '../data/clamped-limits.js';
import type { LocalRoom, LocalRooms } from '../feed/local-rooms.js';

/** How often events that became too old are let go of, in milliseconds; a read does not see them anyway. */
const SWEEP_INTERVAL_MS = 30_000;

/** Where this node stands. */
export interface NodePosition {
  readonly epoch: string;
  /** All up to here has been delivered in the rooms that are followed. */
  readonly position: Position;
  /** The greatest position in sight, delivered or not. */
  readonly newest: Position;
}

/**
 * What this node has delivered lately in the rooms that it follows: what most clients that come back have missed.
 *
 * A room's history here begins where the room was followed from, or after the last event that was dropped or was never
 * heard, and from there on it is whole up to the node's position. Each entry names the position before it, so the rule
 * that judges what Redis has judges this too; where it is not satisfied nothing is said, and Redis is asked.
 */
export class RecentEvents {
  readonly #policy: HistoryPolicy;
  readonly #rooms: LocalRooms;
  readonly #trimmer: HistoryTrimmer;
  /** Of rooms in which something was heard since they are followed. */
  readonly #histories = new Map<LocalRoom, RoomHistory>();
  readonly #sweeper: NodeJS.Timeout;

  /** @param maxBytes over all rooms */
  constructor(policy: HistoryPolicy, rooms: LocalRooms, maxBytes: number) {
    this.#policy = policy;
    this.#rooms = rooms;
    this.#trimmer = new HistoryTrimmer(maxBytes);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  /**
   * Notes an event, newer than all before, in those of its rooms that are followed. Before it is delivered: a client
   * that attaches meanwhile reads it.
   *
   * @param previous the position before it in each of its rooms, where the event itself has told; what was not heard
   *   since ends the history before it
   */
  add(message: RoomMessage, previous: readonly Position[] = []): void {
    const histories: RoomHistory[] = [];
    for (const [index, name] of message.rooms.entries()) {
      const room = this.#rooms.get(name);
      const history = room?.isSubscribed === true ? this.#obtain(room) : undefined;
      if (history === undefined) continue;
      history.lastPosition = Math.max(history.lastPosition, previous[index] ?? 0);
      histories.push(history);
    }
    this.#trimmer.add(message, histories);
  }

  /** What came after `after`, as Redis would tell it; `undefined` where Redis may know more. */
  read(names: readonly string[], after: Position, node: NodePosition): HistoryPage | undefined {
    if (after > node.position) return undefined;
    const now = Math.max(nowUs(), node.newest);
    const found: RoomMessage[] = [];
    for (const name of new Set(names)) {
      const limits = clampedLimits(this.#policy, name);
      if (limits === false) continue;
      const entries = this.#wholeAfter(name, after, now, limits);
      if (entries === undefined) return undefined;
      for (const { message } of entries) found.push(message);
    }
    return {
      epoch: node.epoch,
      position: node.position,
      messages: mergeByPosition(found),
      incompleteRooms: [],
    };
  }

  /** Whether all later events of these rooms, those that are not remembered aside, are heard here. */
  follows(names: readonly string[]): boolean {
    return names.every(
      (name) => this.#rooms.get(name)?.isSubscribed === true || clampedLimits(this.#policy, name) === false,
    );
  }

  /** Whether one of these rooms would not keep an event of this position any more. */
  isTooOld(names: readonly string[], position: Position): boolean {
    const ageMs = (nowUs() - position) / 1_000;
    return names.some((name) => {
      const limits = clampedLimits(this.#policy, name);
      return limits !== false && ageMs > limits.maxAgeMs;
    });
  }

  /** What was heard in the room before is not known to be whole, or belongs to another memory. */
  restart(room: LocalRoom, from: Position): void {
    this.forget(room);
    room.from = from;
  }

  /** The room is not followed any more. */
  forget(room: LocalRoom): void {
    const history = this.#histories.get(room);
    if (history === undefined) return;
    this.#trimmer.empty(history);
    this.#histories.delete(room);
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#histories.clear();
    this.#trimmer.clear();
  }

  /** @returns `undefined` where something may be missing, or so much time has passed that Redis would say so */
  #wholeAfter(
    name: string,
    after: Position,
    now: Position,
    limits: RoomHistoryLimits,
  ): readonly HistoryEntry[] | undefined {
    const room = this.#rooms.get(name);
    const lastPositionTtlUs = lastPositionTtlMs(limits) * 1_000;
    if (room?.isSubscribed !== true || now - after >= lastPositionTtlUs) return undefined;
    const history = this.#histories.get(room);
    if (history !== undefined) this.#trimmer.expire(history, now);
    const entries = history?.after(after) ?? [];
    const [first] = entries;
    const isWhole = isComplete(after, {
      first: first && { position: first.message.position, previous: first.previous },
      last: history?.lastPosition ?? room.from,
      now,
      lastPositionTtlUs,
    });
    return isWhole ? entries : undefined;
  }

  #obtain(room: LocalRoom): RoomHistory | undefined {
    const known = this.#histories.get(room);
    if (known !== undefined) return known;
    const limits = clampedLimits(this.#policy, room.name);
    if (limits === false) return undefined;
    const history = new RoomHistory(limits);
    history.lastPosition = room.from;
    this.#histories.set(room, history);
    return history;
  }

  #sweep(): void {
    const now = nowUs();
    for (const [room, history] of this.#histories) {
      this.#trimmer.expire(history, now);
      if (history.size > 0) continue;
      room.from = history.lastPosition;
      this.#histories.delete(room);
    }
    this.#trimmer.compact();
  }
}
