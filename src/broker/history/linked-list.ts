/** A member of a `LinkedList`, and of one at most. */
export interface Linked<T> {
  /** The members before and after this one. */
  linkedBefore: T | undefined;
  linkedAfter: T | undefined;
}

/** Rooms in the order in which they were added, linked to each other: V8 copies a `Set` of a million of them when it grows or shrinks. */
export class LinkedList<T extends Linked<T>> {
  #oldest: T | undefined;
  #newest: T | undefined;

  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** Adds a room that is in no list. */
  add(room: T): void {
    room.linkedBefore = this.#newest;
    if (this.#newest === undefined) this.#oldest = room;
    else this.#newest.linkedAfter = room;
    this.#newest = room;
  }

  /** Removes a room that is in this list. */
  delete(room: T): void {
    const { linkedBefore: before, linkedAfter: after } = room;
    room.linkedBefore = room.linkedAfter = undefined;
    if (before === undefined) this.#oldest = after;
    else before.linkedAfter = after;
    if (after === undefined) this.#newest = before;
    else after.linkedBefore = before;
  }

  clear(): void {
    this.#oldest = this.#newest = undefined;
  }
}
