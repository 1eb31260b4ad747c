import { setTimeout as pause } from 'node:timers/promises';
import type { RunLease, RunProgress, RunStore } from '../../broker/run-store.interface.js';
import type { RunEntry } from '../run-entry.js';
import { untilReached } from '../until-reached.js';

/** Entries, and their length in characters, above which a producer waits for the store. */
const MAX_PENDING = 256;
const MAX_PENDING_LENGTH = 65_536;
/** Least time between two calls while entries keep coming, in milliseconds: those of a fast producer share a call. */
const MIN_INTERVAL_MS = 1;

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
 */
export class RunWriter {
  readonly #options: RunWriterOptions;
  #pending: RunEntry[] = [];
  #pendingLength = 0;
  #accepted = 0;
  #flushing: Promise<void> | undefined;
  #flushedMs = 0;
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
    this.#pending.push(entry);
    this.#pendingLength += entry.length;
    this.#flushing ??= this.#flush();
    return this.#isFull ? this.#flushing : undefined;
  }

  /** Settles when all entries are stored, or never will be. */
  async flushed(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
  }

  /** Renews the lease, unless entries are being stored, which does the same. */
  async renew(): Promise<void> {
    if (this.#flushing !== undefined || this.#isRenewing) return;
    this.#isRenewing = true;
    await this.#call(() => this.#options.store.renew(this.#options.lease));
    this.#isRenewing = false;
  }

  /** Stores nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#pending = [];
  }

  async #flush(): Promise<void> {
    const waitMs = this.#flushedMs + MIN_INTERVAL_MS - performance.now();
    if (waitMs > 0 && !this.#isFull) await pause(waitMs);
    while (this.#pending.length > 0) {
      const entries = this.#pending;
      this.#pending = [];
      this.#pendingLength = 0;
      const after = this.#accepted;
      const { store, lease } = this.#options;
      if (!(await this.#call(() => store.append(lease, after, entries), entries.length))) break;
    }
    this.#flushedMs = performance.now();
    this.#flushing = undefined;
  }

  get #isFull(): boolean {
    return this.#pending.length >= MAX_PENDING || this.#pendingLength >= MAX_PENDING_LENGTH;
  }

  /** @returns `false` where the call was not accepted, or the store was not reached in time */
  async #call(call: () => Promise<RunProgress>, added = 0): Promise<boolean> {
    const { leaseMs, onProgress, onLost } = this.#options;
    if (this.#isClosed) return false;
    try {
      const progress = await untilReached(call, leaseMs, () => this.#isClosed);
      if (progress.accepted) this.#accepted += added;
      onProgress(progress);
      return progress.accepted;
    } catch (error) {
      if (!this.#isClosed) onLost(error);
      return false;
    }
  }
}
