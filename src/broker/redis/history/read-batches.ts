import type { HistoryPart, PageRequest } from './history-page.js';
import { MAX_ROOMS_PER_CALL } from './page-size.js';
import { abortable } from './read-queue.js';

interface WaitingRead {
  readonly request: PageRequest;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (page: HistoryPart) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads as many of some pages as one call may have, in their order, and at least the first one.
 *
 * @param signal ends the wait for them
 */
export type ReadPages = (
  requests: readonly PageRequest[],
  signal: AbortSignal | undefined,
) => Promise<readonly HistoryPart[]>;

/**
 * Reads the pages that are requested in one turn of the event loop with few calls: each for up to 200 rooms, and with the bytes
 * that a call may have. Each page is the same as if it was read alone. A call that fails is followed by one for each of its
 * pages: the cause may be one of them.
 *
 * Example: a node restores 50 sessions in rooms that it did not have before. Their 50 pages of 3 rooms each are one call.
 */
export class ReadBatches {
  readonly #readPages: ReadPages;
  #waiting: WaitingRead[] = [];

  constructor(readPages: ReadPages) {
    this.#readPages = readPages;
  }

  /** @throws the error of the call; the reason of the signal */
  read(request: PageRequest, signal: AbortSignal | undefined): Promise<HistoryPart> {
    if (this.#waiting.length === 0) setImmediate(() => this.#start());
    const page = new Promise<HistoryPart>((resolve, reject) => {
      this.#waiting.push({ request, signal, resolve, reject });
    });
    return abortable(page, signal);
  }

  #start(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let batch: WaitingRead[] = [];
    let rooms = 0;
    for (const read of waiting) {
      rooms += read.request.rooms.length;
      if (rooms > MAX_ROOMS_PER_CALL && batch.length > 0) {
        void this.#run(batch);
        batch = [];
        rooms = read.request.rooms.length;
      }
      batch.push(read);
    }
    void this.#run(batch);
  }

  /** Settles every read. Never rejects. */
  async #run(batch: readonly WaitingRead[]): Promise<void> {
    for (let left = batch; ;) {
      left = left.filter(({ signal }) => signal?.aborted !== true);
      if (left.length === 0) return;
      const cancel = whenAllAborted(left.map(({ signal }) => signal));
      try {
        const pages = await this.#readPages(
          left.map(({ request }) => request),
          cancel.signal,
        );
        for (const [index, page] of pages.entries()) left[index]?.resolve(page);
        left = left.slice(pages.length);
      } catch (error) {
        const [first, ...others] = left;
        if (others.length === 0) first?.reject(error);
        else for (const read of left) void this.#run([read]);
        return;
      } finally {
        cancel.dispose();
      }
    }
  }
}

/** Returns a signal that is aborted once all of some signals are: never, if one of them is `undefined`. */
function whenAllAborted(signals: readonly (AbortSignal | undefined)[]): {
  readonly signal: AbortSignal | undefined;
  readonly dispose: () => void;
} {
  const distinct = new Set(signals);
  const [only] = distinct;
  if (distinct.size === 1 || distinct.has(undefined))
    return { signal: distinct.size === 1 ? only : undefined, dispose: () => {} };
  const all = new AbortController();
  const check = (): void => {
    if (signals.every((signal) => signal?.aborted === true)) all.abort();
  };
  for (const signal of distinct) signal?.addEventListener('abort', check);
  return {
    signal: all.signal,
    dispose: () => {
      for (const signal of distinct) signal?.removeEventListener('abort', check);
    },
  };
}
