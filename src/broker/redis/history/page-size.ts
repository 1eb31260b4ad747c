/** Most bytes of one reply of Redis, about 1 ms of its time. */
export const MAX_PAGE_BYTES = 1_048_576;

/** Most rooms of one call, so that it blocks Redis for few milliseconds. */
export const MAX_ROOMS_PER_CALL = 200;

/** The bytes of the pages with which a node catches up. Smaller in tests, so that a short history has many pages. */
export const CATCH_UP_PAGE = { maxBytes: MAX_PAGE_BYTES };

const SHRINK_FACTOR = 4;

/**
 * The size of pages that a connection to Redis carries within the deadline. A timeout reduces it to a quarter, down to a
 * single event; each page that arrives doubles it, up to `MAX_PAGE_BYTES`.
 *
 * Example: a link of 1 Mbit/s carries 1 MiB in 8 s. With a deadline of 5 s the first page times out, and the next ones of
 * 256 KiB arrive in 2 s.
 */
export class PageSize {
  #bytes = MAX_PAGE_BYTES;

  /** @returns the bytes of the next page, at most `maxBytes` */
  limit(maxBytes: number): number {
    return Math.max(1, Math.min(this.#bytes, Math.floor(maxBytes)));
  }

  arrived(): void {
    this.#bytes = Math.min(MAX_PAGE_BYTES, 2 * this.#bytes);
  }

  /** @param bytes the limit of the page that timed out; several pages in flight time out together */
  timedOut(bytes: number): void {
    this.#bytes = Math.max(1, Math.min(this.#bytes, Math.floor(bytes / SHRINK_FACTOR)));
  }
}
