import type { Position } from '../../../protocol/position.js';
import { Deferred } from '../link/deferred.js';

/** How long a room that nobody wants any more is still heard, in milliseconds: who reconnects finds it there. */
export const LINGER_MS = 5_000;

/** A room that this node hears, or will. */
export class LocalRoom {
  readonly name: string;
  /** Resolves when every later event is heard. */
  readonly subscribed = new Deferred();
  isSubscribed = false;
  /** The position of when it was first wanted. */
  requestedAt: Promise<Position | undefined> | undefined;
  /** The last of its events that was heard, or the position from which on it is followed. */
  last: Position = 0;
  /** Every event after it was heard, or read since. */
  from: Position = 0;
  idleSinceMs: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get isInUse(): boolean {
    return this.idleSinceMs === undefined;
  }

  markSubscribed(position: Position): void {
    this.isSubscribed = true;
    this.last = this.from = position;
    this.subscribed.resolve();
  }
}

/** The rooms of this node: those that it follows, and those that are still to be subscribed. */
export class LocalRooms {
  readonly #rooms = new Map<string, LocalRoom>();
  readonly #joining = new Set<LocalRoom>();
  readonly #idle = new Set<LocalRoom>();
  readonly #onForgotten: (room: LocalRoom) => void;

  /** @param onForgotten called with each room that is heard no longer */
  constructor(onForgotten: (room: LocalRoom) => void) {
    this.#onForgotten = onForgotten;
  }

  get(name: string): LocalRoom | undefined {
    return this.#rooms.get(name);
  }

  acquire(name: string): LocalRoom {
    let room = this.#rooms.get(name);
    if (room === undefined) {
      room = new LocalRoom(name);
      this.#rooms.set(name, room);
      this.#joining.add(room);
    }
    room.idleSinceMs = undefined;
    this.#idle.delete(room);
    return room;
  }

  release(name: string): void {
    const room = this.#rooms.get(name);
    if (room === undefined || !room.isInUse) return;
    room.idleSinceMs = performance.now();
    this.#idle.add(room);
  }

  /** Takes rooms that are to be subscribed. */
  takePending(most: number): LocalRoom[] {
    return this.#take(this.#joining, most, () => true);
  }

  /** Forgets rooms that nobody has wanted for a while: they are to be unsubscribed. */
  takeIdle(most: number): LocalRoom[] {
    const sinceMs = performance.now() - LINGER_MS;
    const idle = this.#take(this.#idle, most, ({ idleSinceMs }) => (idleSinceMs ?? Infinity) <= sinceMs);
    for (const room of idle) {
      this.#rooms.delete(room.name);
      this.#joining.delete(room);
      this.#onForgotten(room);
      // Who still waits for it has gone, and waits no longer.
      room.subscribed.resolve();
    }
    return idle;
  }

  /** Rooms that were taken for joining, and have to be taken again: their connection was lost. */
  requeue(rooms: Iterable<LocalRoom>): void {
    for (const room of rooms)
      if (!room.isSubscribed && this.#rooms.get(room.name) === room) this.#joining.add(room);
  }

  subscribed(): LocalRoom[] {
    return [...this.#rooms.values()].filter((room) => room.isSubscribed);
  }

  get hasIdle(): boolean {
    return this.#idle.size > 0;
  }

  /** Those that wait to be followed never will be. */
  close(error: Error): void {
    for (const room of this.#rooms.values()) room.subscribed.reject(error);
    this.#rooms.clear();
    this.#joining.clear();
    this.#idle.clear();
  }

  #take(from: Set<LocalRoom>, most: number, condition: (room: LocalRoom) => boolean): LocalRoom[] {
    const taken: LocalRoom[] = [];
    // In the order of arrival: the first that does not fulfil the condition is followed by none that does.
    for (const room of from) {
      if (taken.length === most || !condition(room)) break;
      taken.push(room);
    }
    for (const room of taken) from.delete(room);
    return taken;
  }
}
