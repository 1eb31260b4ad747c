import { EMPTY_BATCH } from '../queue/batch.js';

/** A client with frames to write. */
export interface Flushable {
  flush(nowMs: number): void;
}

/** Clients served in one slice of a flush before other work runs: about 5 ms of writing. */
const SLICE_CLIENTS = 512;

/**
 * Flushes clients together: once per turn of the event loop, or every `flushIntervalMs`.
 *
 * Under load a turn takes longer, so more frames share one system call for each client: batches grow with the load. A
 * flush over many clients yields to the event loop between slices.
 */
export class FlushScheduler {
  readonly #flushIntervalMs: number | false;
  #waiting: Flushable[] = [];
  #slice: { clients: Flushable[]; next: number } | undefined;
  #scheduled = false;

  constructor(flushIntervalMs: number | false) {
    this.#flushIntervalMs = flushIntervalMs;
  }

  /** Flushes `client` once. The caller must not schedule it again before that. */
  schedule(client: Flushable): void {
    this.#waiting.push(client);
    if (!this.#scheduled) this.#start();
  }

  #start(): void {
    this.#scheduled = true;
    if (this.#flushIntervalMs === false) setImmediate(this.#run);
    else setTimeout(this.#run, this.#flushIntervalMs);
  }

  readonly #run = (): void => {
    if (this.#slice === undefined) {
      this.#slice = { clients: this.#waiting, next: 0 };
      this.#waiting = [];
    }
    const slice = this.#slice;
    const end = Math.min(slice.next + SLICE_CLIENTS, slice.clients.length);
    const nowMs = Math.floor(performance.now());
    try {
      while (slice.next < end) (slice.clients[slice.next++] as Flushable).flush(nowMs);
    } finally {
      // Even if the `write` of a middleware throws: one client's failure must not affect others.
      this.#continue(slice.next < slice.clients.length);
    }
  };

  #continue(unfinished: boolean): void {
    if (unfinished) {
      setImmediate(this.#run);
      return;
    }
    this.#slice = undefined;
    this.#scheduled = false;
    if (this.#waiting.length > 0) this.#start();
    else EMPTY_BATCH.forgetNext();
  }
}
