import { EMPTY_BATCH } from '../queue/batch.js';

/** Something that wants to write at the end of the turn. */
export interface Flushable {
  flush(nowMs: number): void;
}

/** How many clients one slice of a flush may serve before other work gets its turn: about 5 ms of writing. */
const SLICE_CLIENTS = 512;

/**
 * Flushes clients together: once per turn of the event loop, or every `flushIntervalMs`.
 *
 * Under load a turn gets longer, so more frames share one system call per client: the system batches itself exactly
 * when it must. A flush over many clients yields to the event loop between slices.
 */
export class FlushScheduler {
  readonly #flushIntervalMs: number | false;
  #waiting: Flushable[] = [];
  #slice: { clients: Flushable[]; next: number } | undefined;
  #scheduled = false;

  constructor(flushIntervalMs: number | false) {
    this.#flushIntervalMs = flushIntervalMs;
  }

  /** The caller sees to it that it asks once a flush. */
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
      // Also where a middleware's own `write` throws: one client's fault is no other's.
      this.#goOn(slice.next < slice.clients.length);
    }
  };

  #goOn(unfinished: boolean): void {
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
