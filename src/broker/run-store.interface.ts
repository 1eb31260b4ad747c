/** Names one execution of a run. The epoch is chosen by the node that starts it and is its fencing token. */
export interface RunLease {
  /** Name of the run, as a room is named. */
  readonly run: string;
  /** 16 letters and digits, random for each start. */
  readonly epoch: string;
}

/** State of a run: it goes on, its producer has ended or failed, or it was stopped. */
export type RunState = 'running' | 'done' | 'failed' | 'stopped';

/** A change of a run, as far as the store can tell: `stop` after `requestStop`, `end` where the state has changed. */
export type RunChange = 'entries' | 'stop' | 'end';

/** State of a run as the store has it. Times are those of the store's clock. */
export interface RunRecord {
  readonly epoch: string;
  readonly state: RunState;
  /** Cause of an end that was not the producer's own, such as `lease`, `deadline`, `shutdown` or `unwatched`. */
  readonly reason?: string | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs?: number | undefined;
  /** Number of entries that were accepted. The first entry has the index 1, the newest this number. */
  readonly entries: number;
  /** Index of the oldest entry that is stored. `entries + 1` where none is. */
  readonly firstKept: number;
}

/** Bounds of a run. Checked by the caller. */
export interface RunBounds {
  /** Milliseconds for which the producer may be silent before the run counts as failed, 1,000 to 86,400,000. */
  readonly leaseMs: number;
  /** Milliseconds for which the entries of a run are stored after its end. */
  readonly keepMs: number;
  /** Entries that are stored. The oldest are removed beyond it. */
  readonly maxEntries: number;
  /** UTF-8 bytes of the entries that are stored. The oldest are removed beyond it; the newest one stays. */
  readonly maxBytes: number;
}

/** A call of `RunStore.start`. */
export interface RunStart extends RunLease, RunBounds {
  /** True starts an ended run again, under the new epoch and without its entries. A running one is never replaced. */
  readonly restart: boolean;
}

/** The outcome of a call of the producer. */
export interface RunProgress {
  /**
   * False after the lease has expired or another run has taken the name. Then nothing is stored any more; of a call that the
   * store has split the first entries may be, which `entries`, the record and each reader count.
   */
  readonly accepted: boolean;
  /** True after `requestStop`. */
  readonly stop: boolean;
  /** Milliseconds since a follower last read on any node, or since the start. */
  readonly unwatchedMs: number;
  /** Number of entries that were accepted so far. */
  readonly entries: number;
}

/** A call of `RunStore.read`. */
export interface RunRead {
  readonly run: string;
  /** Index after which entries are wanted. 0 for all. */
  readonly after: number;
  /** Epoch of `after`. Where it is not the run's, entries are read from the first that is stored. */
  readonly epoch?: string | undefined;
  /** UTF-8 bytes of entries after which no further one is added. At least one is returned where there is one. */
  readonly maxBytes: number;
  /** True for a follower, which keeps the run watched. */
  readonly follows: boolean;
}

/** Entries and state of one moment: entries that are accepted later have a higher index than `record.entries`. */
export interface RunPage {
  readonly record: RunRecord;
  /** Index of `entries[0]`. */
  readonly firstIndex: number;
  readonly entries: readonly string[];
}

/** Takes the changes of a run: see `RunStore.onChange`. */
export type RunListener = (change: RunChange, page?: RunPage) => void;

/**
 * Stores runs for all nodes: an optional part of a broker. Each call first marks a run whose lease has expired as `failed`
 * with the reason `lease`, by the store's own clock, so that no reader sees a dead run as `running`. A store that loses its
 * content knows no run: it never answers with a shorter log under the same epoch.
 */
export interface RunStore {
  /**
   * Starts a run, and wakes those that wait for it. Of simultaneous calls, on all nodes, exactly one starts it. A call that is repeated with its epoch has the
   * effect of one, also after the end.
   *
   * @returns the record of the run that goes on or has ended under this name; it has the epoch of the call where it started
   * @throws SseError `broker-closed`, `broker-unavailable`: then the run may be started or not
   */
  start(start: RunStart): Promise<RunRecord>;

  /**
   * Stores entries in their order and renews the lease. Wakes the followers on all nodes.
   *
   * @param after number of entries before this call. A call that is repeated with the same number has the effect of one. A
   * number above that of the store is not accepted.
   * @throws SseError `broker-closed`, `broker-unavailable`: then the entries may be stored or not
   */
  append(lease: RunLease, after: number, entries: readonly string[]): Promise<RunProgress>;

  /** Renews the lease. @throws as `append` */
  renew(lease: RunLease): Promise<RunProgress>;

  /**
   * Ends a run, if it is running under this epoch, and wakes its followers. A call that is repeated has the effect of one.
   *
   * @returns the record; `undefined` where the run is not stored under this epoch
   * @throws as `append`
   */
  end(lease: RunLease, state: Exclude<RunState, 'running'>, reason?: string): Promise<RunRecord | undefined>;

  /**
   * Asks the producer to stop, and wakes its node.
   *
   * @returns the record at this moment; `undefined` where there is no such run
   * @throws as `append`
   */
  requestStop(run: string): Promise<RunRecord | undefined>;

  /**
   * Reads entries and state in one step.
   *
   * @returns `undefined` where there is no such run
   * @throws SseError `broker-closed`, `broker-unavailable`
   */
  read(read: RunRead): Promise<RunPage | undefined>;

  /**
   * Calls the listener after each change of a run, on any node. A hint only: calls may be merged, or lost while the store
   * cannot be reached, so a follower reads at an interval too.
   *
   * @param listener `page` has the entries that the change has brought, with the record of that moment, where the store has them at
   * hand: a follower that has all entries before them need not read. It never throws
   * @returns a function that ends the calls
   */
  onChange(run: string, listener: RunListener): () => void;
}
