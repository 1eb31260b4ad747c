interface WaitingRead {
  readonly start: () => void;
}

export interface QueuedReadOptions {
  /** `true` for a read of the node itself, which all its clients wait for: it starts before the others. */
  readonly isUrgent?: boolean | undefined;
  /** Ends the wait: the read's place is free at once, and the result of a running read is dropped. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Limits the reads that run at the same time; the others wait in the order of their calls. A client asks for one page
 * at a time, so that order is fair: no client waits for more than one page of each other one.
 */
export class ReadQueue {
  readonly #maxRunning: number;
  readonly #parent: ReadQueue | undefined;
  readonly #urgent = new Set<WaitingRead>();
  readonly #waiting = new Set<WaitingRead>();
  #running = 0;

  /** @param parent a queue that also limits the reads of other queues. Default: none */
  constructor(maxRunning: number, parent?: ReadQueue) {
    this.#maxRunning = maxRunning;
    this.#parent = parent;
  }

  /** Number of reads that wait. */
  get waitingCount(): number {
    return this.#waiting.size + this.#urgent.size;
  }

  /**
   * Runs a read as soon as there is a place. A cancelled read keeps its place until Redis has answered, since its reply
   * still uses the connection.
   *
   * @throws the reason of the signal, or the error of the read
   */
  async run<T>(read: () => Promise<T>, options: QueuedReadOptions = {}): Promise<T> {
    const { isUrgent = false, signal } = options;
    signal?.throwIfAborted();
    if (this.#running >= this.#maxRunning) await this.#waitForPlace(isUrgent, signal);
    else this.#running++;
    const running = (async () =>
      this.#parent === undefined ? read() : this.#parent.run(read, options))().finally(() => this.#release());
    return abortable(running, signal);
  }

  async #waitForPlace(isUrgent: boolean, signal: AbortSignal | undefined): Promise<void> {
    const queue = isUrgent ? this.#urgent : this.#waiting;
    let waiting: WaitingRead | undefined;
    const started = new Promise<void>((start) => queue.add((waiting = { start })));
    try {
      await abortable(started, signal);
    } catch (error) {
      // Started in the same turn: the place passes on.
      if (!queue.delete(waiting as WaitingRead)) this.#release();
      throw error;
    }
  }

  /** Passes the place on to the next read. */
  #release(): void {
    for (const queue of [this.#urgent, this.#waiting]) {
      for (const next of queue) {
        queue.delete(next);
        return next.start();
      }
    }
    this.#running--;
  }
}

/** Settles like the promise, or rejects with the reason of the signal as soon as that is aborted. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  if (signal.aborted) abort();
  // The result of a cancelled call is dropped, its failure too.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
