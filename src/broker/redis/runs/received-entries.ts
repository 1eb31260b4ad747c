import type { RunPage, RunRead } from '../../run-store.interface.js';

/** Time for which a message answers reads, in milliseconds. Afterwards Redis is asked, which ends runs without a lease. */
const FRESH_MS = 250;
/** Time after which a read of a follower reaches Redis, where it keeps the run watched, in milliseconds. */
const WATCHED_MS = 500;
/** Most characters of entries for each run. */
const MAX_LENGTH = 16_384;

interface ReceivedPage {
  readonly page: RunPage;
  readonly length: number;
  readonly receivedMs: number;
}

/**
 * The entries that the newest messages of one run have brought. They answer the reads of followers that were woken by these
 * messages, so that a node reads no entry that it was sent.
 */
export class ReceivedEntries {
  #pages: ReceivedPage[] = [];
  #length = 0;
  #askedMs = -Infinity;

  add(page: RunPage): void {
    const newest = this.#pages.at(-1)?.page;
    const continues =
      newest !== undefined &&
      newest.record.epoch === page.record.epoch &&
      page.firstIndex === newest.firstIndex + newest.entries.length;
    if (!continues) this.clear();
    if (page.entries.length === 0) return;
    const length = page.entries.reduce((sum, entry) => sum + entry.length, 0);
    this.#pages.push({ page, length, receivedMs: performance.now() });
    this.#length += length;
    while (this.#length > MAX_LENGTH) this.#dropOldest();
  }

  /** Records that a read of a follower goes to Redis. */
  asked(): void {
    this.#askedMs = performance.now();
  }

  /**
   * Returns the entries after an index, with the record of the newest message; `undefined` where Redis has to be asked.
   */
  read({ after, epoch, follows, maxBytes }: RunRead): RunPage | undefined {
    const nowMs = performance.now();
    while (nowMs - (this.#pages[0]?.receivedMs ?? nowMs) > FRESH_MS) this.#dropOldest();
    const first = this.#pages[0]?.page.firstIndex;
    const record = this.#pages.at(-1)?.page.record;
    if (!follows || nowMs - this.#askedMs > WATCHED_MS) return undefined;
    if (first === undefined || record === undefined || record.epoch !== epoch) return undefined;
    const firstIndex = Math.max(after + 1, record.firstKept);
    if (firstIndex < first || after >= record.entries) return undefined;
    const received = this.#pages.flatMap(({ page }) => page.entries).slice(firstIndex - first);
    let bytes = 0;
    const entries: string[] = [];
    for (const entry of received) {
      if (bytes >= maxBytes && entries.length > 0) break;
      bytes += Buffer.byteLength(entry);
      entries.push(entry);
    }
    return { record, firstIndex, entries };
  }

  clear(): void {
    this.#pages = [];
    this.#length = 0;
  }

  #dropOldest(): void {
    this.#length -= this.#pages.shift()?.length ?? 0;
  }
}
