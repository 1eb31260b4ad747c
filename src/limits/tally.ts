/** Counts streams by a key, each up to a limit. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** @returns `false` if the key has `max` streams already */
  take(key: string, max: number): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= max) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  release(key: string): void {
    const count = this.#counts.get(key) ?? 0;
    if (count <= 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
  }

  /** Number of keys with a stream. */
  get size(): number {
    return this.#counts.size;
  }
}
