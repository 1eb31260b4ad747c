import type { Position } from '../../../protocol/position.js';
import { RoomMap } from '../../../protocol/collections/room-map.js';
import { LinkedList, type Linked } from '../../history/linked-list.js';
import { Deferred } from '../link/deferred.js';

/**
 * Time for which an unused room stays subscribed, in milliseconds, so that a client that reconnects finds it
 * subscribed.
 */
export const LINGER_MS = 5_000;

/** A room that this node has subscribed or is about to subscribe. */
export class LocalRoom implements Linked<LocalRoom> {
  readonly name: string;
  /** Resolves when the node receives every later event of the room. */
  readonly subscribed = new Deferred();
  isSubscribed = false;
  /** Current position when the room was first requested. */
  positionAtRequest: Promise<Position | undefined> | undefined;
  /** Position of the last received event, or the position of the subscription. */
  lastPosition: Position = 0;
  /** Every event after this position was received or read from history. */
  completeAfter: Position = 0;
  idleSinceMs: number | undefined;
  /** The rooms that have become idle before and after this one. */
  linkedBefore: LocalRoom | undefined;
  linkedAfter: LocalRoom | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get isInUse(): boolean {
    return this.idleSinceMs === undefined;
  }

  markSubscribed(position: Position): void {
    this.isSubscribed = true;
    this.lastPosition = this.completeAfter = position;
    this.subscribed.resolve();
  }
}

/** The rooms of this node: those in use, those still to be subscribed, and idle ones that linger. */
export class LocalRooms {
  readonly #rooms = new RoomMap<LocalRoom>();
  readonly #pending = new Set<LocalRoom>();
  readonly #idle = new LinkedList<LocalRoom>();
  readonly #onRemoved: (room: LocalRoom) => void;

  /** @param onRemoved called with each room that is about to be unsubscribed */
  constructor(onRemoved: (room: LocalRoom) => void) {
    this.#onRemoved = onRemoved;
  }

  get(name: string): LocalRoom | undefined {
    return this.#rooms.get(name);
  }

  /** Returns the room and marks it as in use; a new room is added as pending. */
  acquire(name: string): LocalRoom {
    let room = this.#rooms.get(name);
    if (room === undefined) {
      room = new LocalRoom(name);
      this.#rooms.set(name, room);
      this.#pending.add(room);
    }
    if (!room.isInUse) this.#idle.delete(room);
    room.idleSinceMs = undefined;
    return room;
  }

  /** Marks the room as idle. */
  release(name: string): void {
    const room = this.#rooms.get(name);
    if (room === undefined || !room.isInUse) return;
    room.idleSinceMs = performance.now();
    this.#idle.add(room);
  }

  /** Takes up to `maxCount` rooms that are to be subscribed. */
  takePending(maxCount: number): LocalRoom[] {
    const taken: LocalRoom[] = [];
    for (const room of this.#pending) {
      if (taken.length === maxCount) break;
      taken.push(room);
    }
    for (const room of taken) this.#pending.delete(room);
    return taken;
  }

  /** Removes up to `maxCount` rooms that have been idle for `LINGER_MS`. The caller unsubscribes them. */
  takeIdle(maxCount: number): LocalRoom[] {
    const latestMs = performance.now() - LINGER_MS;
    const taken: LocalRoom[] = [];
    for (let room = this.#idle.oldest; room !== undefined; room = this.#idle.oldest) {
      if (taken.length === maxCount || (room.idleSinceMs ?? Infinity) > latestMs) break;
      this.#idle.delete(room);
      this.#rooms.delete(room.name);
      this.#pending.delete(room);
      this.#onRemoved(room);
      // Releases calls of `subscribe` whose clients have left meanwhile.
      room.subscribed.resolve();
      taken.push(room);
    }
    return taken;
  }

  /** Adds taken rooms to the pending ones again, after their connection was lost. */
  requeue(rooms: Iterable<LocalRoom>): void {
    for (const room of rooms)
      if (!room.isSubscribed && this.#rooms.get(room.name) === room) this.#pending.add(room);
  }

  get hasSubscribed(): boolean {
    for (const room of this.#rooms.values()) if (room.isSubscribed) return true;
    return false;
  }

  subscribed(): LocalRoom[] {
    return [...this.#rooms.values()].filter((room) => room.isSubscribed);
  }

  get hasIdle(): boolean {
    return this.#idle.oldest !== undefined;
  }

  /** Removes all rooms and rejects pending subscriptions. */
  close(error: Error): void {
    for (const room of this.#rooms.values()) room.subscribed.reject(error);
    this.#rooms.clear();
    this.#pending.clear();
    this.#idle.clear();
  }
}
