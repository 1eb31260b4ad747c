import type {
  RunChange,
  RunLease,
  RunListener,
  RunPage,
  RunProgress,
  RunRead,
  RunRecord,
  RunStart,
  RunState,
  RunStore,
} from '../run-store.interface.js';
import { MemoryRun } from './memory-run.js';

/** UTF-8 bytes of the entries of all runs, with `ENTRY_OVERHEAD_BYTES` for each. */
const MAX_BYTES = 67_108_864;
/** Size of an entry's string besides its text, and its place in a list. */
const ENTRY_OVERHEAD_BYTES = 32;
/** Ended runs that are stored: about 500 bytes each without their entries. */
const MAX_ENDED = 20_000;
/** Least time between two searches for runs whose lease has expired unseen, in milliseconds. */
const SWEEP_INTERVAL_MS = 30_000;

const NOT_ACCEPTED: RunProgress = { accepted: false, stop: false, unwatchedMs: 0, entries: 0 };

/**
 * Stores runs for a single node. Beyond `maxBytes` over all runs the entries of ended runs are removed first, the run that
 * ended first before the others, and then the oldest entries of the run that grows. Its newest entry and its state stay.
 */
export class MemoryRuns implements RunStore {
  readonly #runs = new Map<string, MemoryRun>();
  /** In the order of their ends. */
  readonly #ended = new Map<MemoryRun, NodeJS.Timeout>();
  readonly #listeners = new Map<string, Set<RunListener>>();
  readonly #assertRunning: () => void;
  readonly #maxBytes: number;
  readonly #maxEnded: number;
  #bytes = 0;
  #sweptMs = performance.now();

  /** @param assertRunning throws if the broker is not running */
  constructor(assertRunning: () => void, { maxBytes = MAX_BYTES, maxEnded = MAX_ENDED } = {}) {
    this.#assertRunning = assertRunning;
    this.#maxBytes = maxBytes;
    this.#maxEnded = maxEnded;
  }

  async start(start: RunStart): Promise<RunRecord> {
    this.#assertRunning();
    this.#sweep();
    const known = this.#find(start.run);
    const isOwn = known?.start.epoch === start.epoch;
    if (known !== undefined && (known.isRunning || isOwn || !start.restart)) return known.record();
    if (known !== undefined) this.#forget(known);
    const run = new MemoryRun(start, performance.now());
    this.#runs.set(start.run, run);
    this.#changed(start.run, 'entries');
    return run.record();
  }

  /** Called for each token of a model, and so no async function. */
  append(lease: RunLease, after: number, entries: readonly string[]): Promise<RunProgress> {
    try {
      return Promise.resolve(this.#append(lease, after, entries));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async renew(lease: RunLease): Promise<RunProgress> {
    const nowMs = performance.now();
    const run = this.#held(lease, nowMs);
    return run === undefined ? NOT_ACCEPTED : progressOf(run, nowMs);
  }

  async end(
    lease: RunLease,
    state: Exclude<RunState, 'running'>,
    reason?: string,
  ): Promise<RunRecord | undefined> {
    const run = this.#known(lease.run);
    if (run?.start.epoch !== lease.epoch) return undefined;
    if (run.isRunning) this.#end(run, state, reason);
    return run.record();
  }

  async requestStop(name: string): Promise<RunRecord | undefined> {
    const run = this.#known(name);
    if (run?.isRunning === true) {
      run.isAskedToStop = true;
      this.#changed(name, 'stop');
    }
    return run?.record();
  }

  async read(read: RunRead): Promise<RunPage | undefined> {
    const nowMs = performance.now();
    return this.#known(read.run, nowMs)?.read(read, nowMs);
  }

  onChange(run: string, listener: RunListener): () => void {
    const listeners = this.#listeners.get(run) ?? new Set();
    this.#listeners.set(run, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(run) === listeners) this.#listeners.delete(run);
    };
  }

  close(): void {
    for (const timer of this.#ended.values()) clearTimeout(timer);
    this.#ended.clear();
    this.#runs.clear();
    this.#listeners.clear();
    this.#bytes = 0;
  }

  #append(lease: RunLease, after: number, entries: readonly string[]): RunProgress {
    const nowMs = performance.now();
    const run = this.#held(lease, nowMs);
    if (run === undefined || after > run.entries) return NOT_ACCEPTED;
    // Zero unless the call is repeated.
    const known = run.entries - after;
    const added = known === 0 ? entries : entries.slice(known);
    const before = bytesOf(run);
    run.append(added);
    this.#bytes += bytesOf(run) - before;
    this.#trim(run);
    if (added.length > 0) this.#added(run, added);
    return progressOf(run, nowMs);
  }

  #known(name: string, nowMs = performance.now()): MemoryRun | undefined {
    this.#assertRunning();
    return this.#find(name, nowMs);
  }

  /** Finds a run. One whose lease has expired ends first. */
  #find(name: string, nowMs = performance.now()): MemoryRun | undefined {
    const run = this.#runs.get(name);
    if (run?.hasExpired(nowMs) === true) this.#end(run, 'failed', 'lease');
    return run;
  }

  /** Finds the run of a lease that is still held, and renews the lease. */
  #held({ run: name, epoch }: RunLease, nowMs: number): MemoryRun | undefined {
    const run = this.#known(name, nowMs);
    if (run?.start.epoch !== epoch || !run.isRunning) return undefined;
    run.renew(nowMs);
    return run;
  }

  #end(run: MemoryRun, state: RunState, reason: string | undefined): void {
    run.end(state, reason);
    this.#ended.set(run, setTimeout(() => this.#forget(run), run.start.keepMs).unref());
    const [first] = this.#ended.keys();
    if (this.#ended.size > this.#maxEnded && first !== undefined) this.#forget(first);
    this.#changed(run.start.run, 'end');
  }

  #forget(run: MemoryRun): void {
    clearTimeout(this.#ended.get(run));
    this.#ended.delete(run);
    this.#bytes -= bytesOf(run);
    if (this.#runs.get(run.start.run) === run) this.#runs.delete(run.start.run);
  }

  #trim(growing: MemoryRun): void {
    if (this.#bytes <= this.#maxBytes) return;
    for (const run of this.#ended.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#bytes -= bytesOf(run);
      run.removeAll();
    }
    while (this.#bytes > this.#maxBytes && growing.size > 1) {
      const before = bytesOf(growing);
      growing.removeOldest();
      this.#bytes += bytesOf(growing) - before;
    }
  }

  #sweep(): void {
    const nowMs = performance.now();
    if (nowMs - this.#sweptMs < SWEEP_INTERVAL_MS) return;
    this.#sweptMs = nowMs;
    for (const name of this.#runs.keys()) this.#find(name);
  }

  #added(run: MemoryRun, entries: readonly string[]): void {
    const listeners = this.#listeners.get(run.start.run);
    if (listeners === undefined) return;
    const page = { record: run.record(), firstIndex: run.entries - entries.length + 1, entries };
    for (const listener of listeners) listener('entries', page);
  }

  #changed(run: string, change: RunChange): void {
    for (const listener of this.#listeners.get(run) ?? []) listener(change);
  }
}

function bytesOf(run: MemoryRun): number {
  return run.bytes + run.size * ENTRY_OVERHEAD_BYTES;
}

function progressOf(run: MemoryRun, nowMs: number): RunProgress {
  return {
    accepted: true,
    stop: run.isAskedToStop,
    unwatchedMs: run.unwatchedMs(nowMs),
    entries: run.entries,
  };
}
