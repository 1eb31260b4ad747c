import type { LocalPresence } from '../../presence-store.interface.js';

/** The presence of a user in a room on this node; `local` is `undefined` if the user has left. */
export interface PresenceEntry {
  readonly room: string;
  readonly user: string;
  readonly local: LocalPresence | undefined;
}

/** Joins room and user to one text. A room's name contains no line break, so the first one separates the two. */
export function entryName(room: string, user: string): string {
  return `${room}\n${user}`;
}

export function parseEntryName(name: string): PresenceEntry {
  const end = name.indexOf('\n');
  return { room: name.slice(0, end), user: name.slice(end + 1), local: undefined };
}

/**
 * Holds the presence of all users on this node, and queues the entries that are not written to Redis yet. Only the
 * newest state of an entry is queued, so during an outage the queue is bounded by the users present now or written
 * before.
 */
export class PresenceWriteQueue {
  readonly #current = new Map<string, LocalPresence>();
  readonly #queued = new Set<string>();
  /** Entries that Redis may contain under the current lease name. */
  readonly #written = new Set<string>();

  get isEmpty(): boolean {
    return this.#queued.size === 0;
  }

  set(room: string, user: string, local: LocalPresence | undefined): void {
    const name = entryName(room, user);
    if (local !== undefined) {
      this.#current.set(name, local);
      this.#queued.add(name);
    } else if (this.#current.delete(name)) {
      if (this.#written.has(name)) this.#queued.add(name);
      else this.#queued.delete(name);
    }
  }

  /** Takes the oldest queued entries. The caller then calls `confirm` after a successful write, or `putBack`. */
  take(maxCount: number): PresenceEntry[] {
    const taken: PresenceEntry[] = [];
    for (const name of this.#queued) {
      if (taken.length === maxCount) break;
      taken.push({ ...parseEntryName(name), local: this.#current.get(name) });
      this.#queued.delete(name);
      this.#written.add(name);
    }
    return taken;
  }

  confirm(entries: readonly PresenceEntry[]): void {
    for (const { room, user, local } of entries) {
      if (local === undefined) this.#written.delete(entryName(room, user));
    }
  }

  putBack(entries: readonly PresenceEntry[]): void {
    for (const { room, user } of entries) this.#queued.add(entryName(room, user));
  }

  /**
   * Queues all current entries again, and the removal of the others that Redis contains.
   *
   * @param stored the names of the entries that Redis contains under the lease name; none under a new one
   */
  requeueAll(stored: readonly string[] = []): void {
    this.#written.clear();
    this.#queued.clear();
    for (const name of stored) this.#written.add(name);
    for (const name of [...stored, ...this.#current.keys()]) this.#queued.add(name);
  }
}
