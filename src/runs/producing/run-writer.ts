import type { RunLease, RunProgress, RunStore } from '../../broker/run-store.interface.js';
import type { RunEntry } from '../run-entry.js';
import { repeatUntilReached, untilReached } from '../until-reached.js';

/** Entries, and their length in characters, above which a producer waits for the store. */
const MAX_PENDING = 256;
const MAX_PENDING_LENGTH = 65_536;
/** Least time between two calls while entries keep coming, in milliseconds: those of a fast producer share a call. */
const MIN_INTERVAL_MS = 1;
/** Shared, and so never added to. */
const NONE: RunEntry[] = [];

export interface RunWriterOptions {
  readonly store: RunStore;
  readonly lease: RunLease;
  readonly leaseMs: number;
  /** Called with what each call to the store has returned. */
  readonly onProgress: (progress: RunProgress) => void;
  /** Called once, where the store cannot be reached for `leaseMs`, or refuses an entry. */
  readonly onLost: (error: unknown) => void;
}

/**
 * Stores the entries of one run, one call at a time. An entry after a pause is stored at once, and those that follow it closely share
 * a call. While the store cannot be reached the call is repeated, which has the effect of one.
 *
 * A token of a language model is a call of its own. So no promise, closure or async function is made for a call that succeeds.
 */
export class RunWriter {
  readonly #options: RunWriterOptions;
  #pending = NONE;
  #pendingLength = 0;
  /** The entries of the call that goes on. */
  #storing: readonly RunEntry[] = NONE;
  #accepted = 0;
  /** `true` from an entry on until all are stored. */
  #isBusy = false;
  #idle: Promise<void> | undefined;
  #settleIdle: (() => void) | undefined;
  #beganMs = 0;
  #isRenewing = false;
  #isClosed = false;

  constructor(options: RunWriterOptions) {
    this.#options = options;
  }

  /** Number of entries that the store has accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** @returns a promise to wait for before the next entry; `undefined` where more may follow at once */
  add(entry: RunEntry): Promise<void> | undefined {
    if (this.#isClosed) return undefined;
    // A list of one, which has no room for more.
    if (this.#pending.length === 0) this.#pending = [entry];
    else this.#pending.push(entry);
    this.#pendingLength += entry.length;
    if (!this.#isBusy) this.#begin();
    return this.#isFull ? this.#whenIdle() : undefined;
  }

  /** Settles when all entries are stored, or never will be. */
  async flushed(): Promise<void> {
    while (this.#isBusy) await this.#whenIdle();
  }

  /** Renews the lease, unless entries are being stored, which does the same. */
  async renew(): Promise<void> {
    if (this.#isBusy || this.#isRenewing || this.#isClosed) return;
    this.#isRenewing = true;
    const { store, lease, leaseMs, onProgress } = this.#options;
    try {
      onProgress(await untilReached(() => store.renew(lease), leaseMs, this.#isOver));
    } catch (error) {
      this.#lose(error);
    }
    this.#isRenewing = false;
  }

  /** Stores nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#pending = NONE;
  }

  #begin(): void {
    this.#isBusy = true;
    const nowMs = performance.now();
    const waitMs = this.#beganMs + MIN_INTERVAL_MS - nowMs;
    if (waitMs <= 0 || this.#isFull) {
      this.#beganMs = nowMs;
      return this.#store();
    }
    this.#beganMs += MIN_INTERVAL_MS;
    setTimeout(() => this.#store(), waitMs);
  }

  #store(): void {
    if (this.#pending.length === 0 || this.#isClosed) return this.#rest();
    this.#storing = this.#pending;
    this.#pending = NONE;
    this.#pendingLength = 0;
    try {
      this.#append().then(this.#onStored, this.#onFailure);
    } catch (error) {
      this.#onFailure(error);
    }
  }

  /** Has the effect of one call where it is repeated. */
  readonly #append = (): Promise<RunProgress> => {
    const { store, lease } = this.#options;
    return store.append(lease, this.#accepted, this.#storing);
  };

  readonly #onStored = (progress: RunProgress): void => {
    try {
      if (progress.accepted) this.#accepted += this.#storing.length;
      this.#options.onProgress(progress);
    } catch (error) {
      this.#lose(error);
    }
    if (progress.accepted) this.#store();
    else this.#rest();
  };

  readonly #onFailure = (error: unknown): void => {
    repeatUntilReached(error, this.#append, this.#options.leaseMs, this.#isOver).then(
      this.#onStored,
      (last: unknown) => {
        this.#lose(last);
        this.#rest();
      },
    );
  };

  readonly #isOver = (): boolean => this.#isClosed;

  #lose(error: unknown): void {
    if (!this.#isClosed) this.#options.onLost(error);
  }

  #rest(): void {
    this.#storing = NONE;
    this.#isBusy = false;
    this.#settleIdle?.();
    this.#idle = this.#settleIdle = undefined;
  }

  #whenIdle(): Promise<void> {
    return (this.#idle ??= new Promise((resolve) => (this.#settleIdle = resolve)));
  }

  get #isFull(): boolean {
    return this.#pending.length >= MAX_PENDING || this.#pendingLength >= MAX_PENDING_LENGTH;
  }
}
