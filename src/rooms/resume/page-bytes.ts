import type { ReadOptions } from '../../broker/broker.interface.js';
import type { SseClient } from '../../connection/sse-client.js';

/**
 * Bytes of history that a resuming client reads at once: large enough that a usual resume is one read, and small enough
 * that a thousand clients that read slowly hold 256 MiB at most.
 */
const PAGE_BYTES = 262_144;

/** Least bytes of a page of one partition. */
const MIN_PAGE_BYTES = 131_072;

/** Returns the bytes of a page of one of `count` partitions. */
function pageBytes(count: number): number {
  return Math.max(MIN_PAGE_BYTES, Math.floor(PAGE_BYTES / count));
}

/** Reads of one client's pages, which end with the client. */
export class PageReads implements ReadOptions {
  readonly maxBytes: number;
  readonly #client: SseClient;

  /** @param count partitions that are read at once */
  constructor(client: SseClient, count: number) {
    this.#client = client;
    this.maxBytes = pageBytes(count);
  }

  /** Created when a broker waits for a read: a signal costs a tenth of a resume, and the memory broker never waits. */
  get signal(): AbortSignal {
    return this.#client.signal;
  }
}
