import type { LocalPresence } from '../../presence-store.interface.js';

/** A user in a room, and what this node has of it; nothing any more where `here` is `undefined`. */
export interface PresenceEntry {
  readonly room: string;
  readonly user: string;
  readonly here: LocalPresence | undefined;
}

/** A room's name holds no line break, so this can be taken apart again, whatever the user is called. */
export function entryName(room: string, user: string): string {
  return `${room}\n${user}`;
}

export function parseEntryName(name: string): PresenceEntry {
  const end = name.indexOf('\n');
  return { room: name.slice(0, end), user: name.slice(end + 1), here: undefined };
}

/**
 * What this node has, and which of it Redis has not been told yet. Only the newest word on a user waits: however long
 * Redis is away, nothing grows beyond who is here and who was written before.
 */
export class PresenceLedger {
  readonly #said = new Map<string, LocalPresence>();
  readonly #unwritten = new Set<string>();
  /** What Redis may have under this node's name of now. */
  readonly #written = new Set<string>();

  get isWritten(): boolean {
    return this.#unwritten.size === 0;
  }

  set(room: string, user: string, here: LocalPresence | undefined): void {
    const name = entryName(room, user);
    if (here !== undefined) {
      this.#said.set(name, here);
      this.#unwritten.add(name);
    } else if (this.#said.delete(name)) {
      if (this.#written.has(name)) this.#unwritten.add(name);
      else this.#unwritten.delete(name);
    }
  }

  /** Takes the oldest words that are not written. `putBack` where that fails, `wrote` where it does not. */
  take(most: number): PresenceEntry[] {
    const taken: PresenceEntry[] = [];
    for (const name of this.#unwritten) {
      if (taken.length === most) break;
      taken.push({ ...parseEntryName(name), here: this.#said.get(name) });
      this.#unwritten.delete(name);
      this.#written.add(name);
    }
    return taken;
  }

  wrote(entries: readonly PresenceEntry[]): void {
    for (const { room, user, here } of entries) {
      if (here === undefined) this.#written.delete(entryName(room, user));
    }
  }

  putBack(entries: readonly PresenceEntry[]): void {
    for (const { room, user } of entries) this.#unwritten.add(entryName(room, user));
  }

  /** The node has a new name, under which nothing is written. */
  beginAnew(): void {
    this.#written.clear();
    this.#unwritten.clear();
    for (const name of this.#said.keys()) this.#unwritten.add(name);
  }
}
