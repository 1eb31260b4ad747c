/** Most entries of the one map that a small `RoomMap` is. It is copied in 1 ms, a map of a million entries in 100 to 200 ms. */
const MAX_ENTRIES_OF_ONE = 8_192;
/** Number of maps beyond that: a power of two. */
const MAP_COUNT = 256;

/**
 * A map by the names of rooms that pauses the event loop for no more than about a millisecond. V8 copies a whole `Map` when it
 * grows or shrinks; this one spreads many entries over several maps. Up to 8,192 entries are in the order in which they were
 * added.
 */
export class RoomMap<T> {
  #maps: Map<string, T>[] = [new Map()];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(name: string): T | undefined {
    return this.#mapOf(name).get(name);
  }

  has(name: string): boolean {
    return this.#mapOf(name).has(name);
  }

  set(name: string, value: T): void {
    const map = this.#mapOf(name);
    const before = map.size;
    map.set(name, value);
    this.#size += map.size - before;
    if (this.#maps.length === 1 && this.#size > MAX_ENTRIES_OF_ONE) this.#spread(map);
  }

  delete(name: string): boolean {
    if (!this.#mapOf(name).delete(name)) return false;
    this.#size--;
    if (this.#size === 0 && this.#maps.length > 1) this.#maps = [new Map()];
    return true;
  }

  /**
   * Visits the names. As the iterators of `Map`, it skips what is deleted meanwhile. What is added meanwhile may be missed, and
   * once, when the entries are spread, everything that was not visited yet.
   */
  *keys(): IterableIterator<string> {
    for (const map of this.#maps) yield* map.keys();
  }

  /** Visits the values, as `keys` does the names. */
  *values(): IterableIterator<T> {
    for (const map of this.#maps) yield* map.values();
  }

  clear(): void {
    for (const map of this.#maps) map.clear();
    this.#maps = [new Map()];
    this.#size = 0;
  }

  #mapOf(name: string): Map<string, T> {
    const index = this.#maps.length === 1 ? 0 : hashOf(name) & (MAP_COUNT - 1);
    return this.#maps[index] as Map<string, T>;
  }

  #spread(all: Map<string, T>): void {
    this.#maps = Array.from({ length: MAP_COUNT }, () => new Map<string, T>());
    for (const [name, value] of all) this.#mapOf(name).set(name, value);
    // Ends iterations over it: what they would still visit may be deleted from the other maps meanwhile.
    all.clear();
  }
}

/** FNV-1a, with its high bits folded into the low ones. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash ^ (hash >>> 15);
}
