import type { RunChange, RunPage, RunStore } from '../../broker/run-store.interface.js';

/** A follower of a silent run reads at this interval: a notification may be lost, and a lease expires without one. */
const POLL_MS = 2_500;
/** Calls later in the same turn. */
const SOON = Promise.resolve();
/** UTF-8 bytes of one read. */
const PAGE_BYTES = 262_144;

/** @param page entries that the store had at hand; without them the run has changed in a way that a read tells */
type FeedListener = (page?: RunPage) => void;

/** One run as the followers of this node read it: they share notifications, and reads that they begin at once. */
export class RunFeed {
  readonly #store: RunStore;
  readonly run: string;
  readonly #onIdle: () => void;
  readonly #listeners = new Set<FeedListener>();
  readonly #reads = new Map<string, Promise<RunPage | undefined>>();
  #unsubscribe: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isWaking = false;

  /** @param onIdle called when the last listener has gone */
  constructor(store: RunStore, run: string, onIdle: () => void) {
    this.#store = store;
    this.run = run;
    this.#onIdle = onIdle;
  }

  get isIdle(): boolean {
    return this.#listeners.size === 0;
  }

  /**
   * Calls the listener after changes of the run, once for those that arrive together without entries. Entries are passed on at once,
   * and do not delay the reads at an interval, which keep the run watched.
   *
   * @returns ends the calls
   */
  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    this.#unsubscribe ??= this.#store.onChange(this.run, this.#onChange);
    this.#timer ??= setInterval(this.#wake, POLL_MS).unref();
    return () => {
      this.#listeners.delete(listener);
      if (!this.isIdle) return;
      this.#unsubscribe?.();
      clearInterval(this.#timer);
      this.#unsubscribe = this.#timer = undefined;
      this.#onIdle();
    };
  }

  /** Reads what is stored after an index, for a follower. @throws as `RunStore.read` */
  read(after: number, epoch?: string): Promise<RunPage | undefined> {
    const wanted = { run: this.run, after, epoch, maxBytes: PAGE_BYTES, follows: true };
    if (this.#listeners.size < 2) return this.#store.read(wanted);
    const key = `${epoch ?? ''} ${after}`;
    const known = this.#reads.get(key);
    if (known !== undefined) return known;
    const read = this.#store.read(wanted);
    this.#reads.set(key, read);
    const forget = (): void => void this.#reads.delete(key);
    read.then(forget, forget);
    return read;
  }

  readonly #onChange = (_change: RunChange, page?: RunPage): void => {
    if (page !== undefined) return this.#listeners.forEach((listener) => listener(page));
    if (this.#isWaking) return;
    this.#isWaking = true;
    // Changes that arrive together are one read.
    void SOON.then(this.#wake);
  };

  readonly #wake = (): void => {
    this.#isWaking = false;
    this.#timer?.refresh();
    for (const listener of this.#listeners) listener();
  };
}
