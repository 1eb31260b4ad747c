import type { RunPage, RunRead, RunRecord, RunStart, RunState } from '../run-store.interface.js';

/** Removed entries at the front of the list after which it is copied. */
const MIN_REMOVED = 1_024;

/** One run in memory: its state, and the newest of its entries. */
export class MemoryRun {
  readonly start: RunStart;
  readonly #startedAtMs = Date.now();
  #state: RunState = 'running';
  #reason: string | undefined;
  #endedAtMs: number | undefined;
  /** The entries from `#removed` on are stored. */
  #log: string[] = [];
  #removed = 0;
  /** Number of entries before `#log[0]`. */
  #before = 0;
  /** UTF-8 bytes of the stored entries. */
  bytes = 0;
  isAskedToStop = false;
  #leaseUntilMs: number;
  #watchedAtMs: number;

  constructor(start: RunStart, nowMs: number) {
    this.start = start;
    this.#leaseUntilMs = nowMs + start.leaseMs;
    this.#watchedAtMs = nowMs;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Number of stored entries. */
  get size(): number {
    return this.#log.length - this.#removed;
  }

  /** Number of entries that were accepted. */
  get entries(): number {
    return this.#before + this.#log.length;
  }

  record(): RunRecord {
    return {
      epoch: this.start.epoch,
      state: this.#state,
      reason: this.#reason,
      startedAtMs: this.#startedAtMs,
      endedAtMs: this.#endedAtMs,
      entries: this.entries,
      firstKept: this.entries - this.size + 1,
    };
  }

  hasExpired(nowMs: number): boolean {
    return this.isRunning && nowMs >= this.#leaseUntilMs;
  }

  renew(nowMs: number): void {
    this.#leaseUntilMs = nowMs + this.start.leaseMs;
  }

  unwatchedMs(nowMs: number): number {
    return nowMs - this.#watchedAtMs;
  }

  /** Adds entries, and removes the oldest beyond the bounds of the run. */
  append(entries: readonly string[]): void {
    for (const entry of entries) {
      this.#log.push(entry);
      this.bytes += Buffer.byteLength(entry);
    }
    const { maxEntries, maxBytes } = this.start;
    while (this.size > maxEntries || (this.bytes > maxBytes && this.size > 1)) this.removeOldest();
  }

  removeOldest(): void {
    const entry = this.#log[this.#removed];
    if (entry === undefined) return;
    this.bytes -= Buffer.byteLength(entry);
    this.#log[this.#removed++] = '';
    if (this.#removed < MIN_REMOVED || this.#removed * 2 < this.#log.length) return;
    this.#before += this.#removed;
    this.#log = this.#log.slice(this.#removed);
    this.#removed = 0;
  }

  removeAll(): void {
    this.#before += this.#log.length;
    this.#log = [];
    this.#removed = this.bytes = 0;
  }

  end(state: RunState, reason: string | undefined): void {
    this.#state = state;
    this.#reason = reason;
    this.#endedAtMs = Date.now();
  }

  read({ after, epoch, maxBytes, follows }: RunRead, nowMs: number): RunPage {
    if (follows) this.#watchedAtMs = nowMs;
    const record = this.record();
    const from = epoch === undefined || epoch === record.epoch ? after : 0;
    const firstIndex = Math.max(from + 1, record.firstKept);
    const first = firstIndex - 1 - this.#before;
    // At least one, and so this one whatever its bytes.
    if (first === this.#log.length - 1) return { record, firstIndex, entries: [this.#log[first] as string] };
    const entries: string[] = [];
    let bytes = 0;
    for (let at = first; at < this.#log.length; at++) {
      const entry = this.#log[at] as string;
      bytes += Buffer.byteLength(entry);
      if (entries.length > 0 && bytes > maxBytes) break;
      entries.push(entry);
    }
    return { record, firstIndex, entries };
  }
}
