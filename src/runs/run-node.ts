import { setTimeout as pause } from 'node:timers/promises';
import type { RunRecord, RunStore } from '../broker/run-store.interface.js';
import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import { refuseWhileClosing, tooManyRuns } from './run-errors.js';
import { RunFeed } from './following/run-feed.js';
import type { FollowerOptions } from './following/follower-options.interface.js';
import { RunFollower } from './following/run-follower.js';
import { newRunEpoch } from './run-id.js';
import type { RunEntry } from './run-entry.js';
import type { SseRunOptions } from './run-options.interface.js';
import type { RunObserver } from './run-observer.js';
import { RunProducer } from './producing/run-producer.js';
import { storesRuns, unsupportedRuns, type ResolvedRuns } from './resolve-runs.js';
import { untilReached } from './until-reached.js';

/** Time for which the start of a run is repeated while the broker cannot be reached. */
const START_TIMEOUT_MS = 3_000;
/** Time for which a closing node waits until the ends of its runs are stored. */
const END_TIMEOUT_MS = 1_000;
/** An index above that of every event, so that a read returns the state alone. */
const NO_ENTRIES = 2 ** 40;

/** The application and the module around the runs of a node. */
export interface RunsHost {
  /** Converts a value of a producer. */
  readonly encode: (value: unknown) => RunEntry;
  /** Takes failures of producers and callbacks. */
  readonly report: (callback: string, error: unknown, context: string) => void;
  readonly observer: RunObserver;
}

/** The options of a follower that its endpoint sets. */
type FollowRequest = Pick<FollowerOptions, 'clientId' | 'start' | 'control' | 'ready' | 'compact'>;

/** The outcome of a start: the run that goes on or has ended, and its producer where this call has started it. */
export interface ClaimedRun {
  readonly record: RunRecord;
  readonly producer: RunProducer | undefined;
}

/** The runs of one node: those that it produces, and those that its clients follow. */
export class RunNode {
  readonly #broker: PartitionedBroker;
  readonly #host: RunsHost;
  readonly options: ResolvedRuns;
  readonly #producers = new Set<RunProducer>();
  readonly #feeds = new Map<string, RunFeed>();
  #followers = 0;
  #starting = 0;
  #isClosing = false;

  constructor(broker: PartitionedBroker, options: ResolvedRuns, host: RunsHost) {
    this.#broker = broker;
    this.options = options;
    this.#host = host;
  }

  get isSupported(): boolean {
    return storesRuns(this.#broker);
  }

  /** Number of runs that this node produces. */
  get size(): number {
    return this.#producers.size;
  }

  /** Runs that this node produces, and streams of this node that follow a run. */
  gauges(): { runs: number; runFollowers: number } {
    return { runs: this.#producers.size, runFollowers: this.#followers };
  }

  /** @throws SseError `unsupported-by-broker` */
  storeOf(run: string): RunStore {
    const { runs } = this.#broker.partitions[this.#broker.partitionOf(run)] ?? {};
    if (runs === undefined) throw unsupportedRuns('sse.runs needs');
    return runs;
  }

  /** Returns the stream of one client. */
  follow(run: string, request: FollowRequest): RunFollower {
    const { observer } = this.#host;
    return new RunFollower({
      ...request,
      run,
      openFeed: () => {
        this.#followers++;
        observer.followed(request.start);
        return this.#feedOf(run);
      },
      onClosed: () => void this.#followers--,
      onGap: (reason) => observer.gapSent(reason),
      onFailure: (callback, error) => this.#host.report(callback, error, run),
    });
  }

  /** The feed of a run, which is shared while a client follows it. The caller listens to it at once. */
  #feedOf(run: string): RunFeed {
    const feed = this.#feeds.get(run);
    if (feed !== undefined) return feed;
    const added = new RunFeed(this.storeOf(run), run, () => {
      if (this.#feeds.get(run) === added) this.#feeds.delete(run);
    });
    this.#feeds.set(run, added);
    return added;
  }

  /** Reads the state of a run. @throws as `RunStore.read` */
  async record(run: string): Promise<RunRecord | undefined> {
    const read = { run, after: NO_ENTRIES, maxBytes: 1, follows: false };
    return (await this.storeOf(run).read(read))?.record;
  }

  /**
   * Starts a run, unless it goes on. The caller then calls `produce`.
   *
   * @throws SseError `too-many-runs`, `broker-closed`, `broker-unavailable`, `unsupported-by-broker`
   */
  async claim(run: string, given: SseRunOptions, abort = new AbortController()): Promise<ClaimedRun> {
    const store = this.storeOf(run);
    const { restart = true, ...bounds } = given;
    const options = { ...this.options, ...definedOnly(bounds) };
    refuseWhileClosing(this.#isClosing);
    if (this.#producers.size + this.#starting >= options.maxRuns) {
      const record = await this.record(run);
      if (record?.state === 'running') return { record, producer: undefined };
      throw tooManyRuns(options.maxRuns);
    }
    const lease = { run, epoch: newRunEpoch() };
    const { leaseMs, keepMs, maxEvents: maxEntries, maxBytes, maxDurationMs, stopWhenUnwatchedMs } = options;
    const runBounds = { leaseMs, keepMs, maxEntries, maxBytes };
    this.#starting++;
    try {
      const start = { ...lease, ...runBounds, restart };
      const record = await untilReached(() => store.start(start), START_TIMEOUT_MS);
      if (record.epoch !== lease.epoch) return { record, producer: undefined };
      const producer = new RunProducer({
        ...runBounds,
        store,
        lease,
        maxDurationMs,
        stopWhenUnwatchedMs,
        abort,
        encode: this.#host.encode,
        onFailure: (error) => this.reportFailure(error, run),
      });
      this.#producers.add(producer);
      this.#host.observer.started(run);
      void producer.ended.then((ended) => {
        this.#producers.delete(producer);
        this.#host.observer.ended(run, ended);
      });
      if (this.#isClosing) producer.stop({ state: 'failed', reason: 'shutdown' });
      return { record, producer };
    } finally {
      this.#starting--;
    }
  }

  reportFailure(error: unknown, run: string): void {
    this.#host.report('run', error, run);
  }

  /** Settles when the run has ended, with its record; at the latest after `timeoutMs`, with the last one. */
  async whenEnded(run: string, epoch: string, timeoutMs = Infinity): Promise<RunRecord | undefined> {
    const endMs = performance.now() + timeoutMs;
    const feed = this.#feedOf(run);
    let wake: (() => void) | undefined;
    let hasChanged = false;
    const unlisten = feed.listen(() => {
      hasChanged = true;
      wake?.();
    });
    try {
      for (;;) {
        hasChanged = false;
        const record = await this.record(run);
        if (record?.epoch !== epoch || record.state !== 'running' || performance.now() >= endMs)
          return record;
        // The feed calls at an interval too.
        if (!hasChanged) await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      unlisten();
    }
  }

  /** Waits for the runs of this node for `drainMs`, and ends the others as `failed`. Starts none from then on. Never rejects. */
  async close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    if (drainMs > 0) await this.#allEnded(drainMs);
    const runs = Array.from(this.#producers, ({ run }) => run);
    for (const producer of this.#producers) producer.stop({ state: 'failed', reason: 'shutdown' });
    await this.#allEnded(END_TIMEOUT_MS);
    await this.#allFollowed(runs);
  }

  /** Settles when the followers of ended runs have received the end, at the latest after `END_TIMEOUT_MS`. */
  async #allFollowed(runs: readonly string[]): Promise<void> {
    const isFollowed = (run: string): boolean => this.#feeds.get(run)?.isIdle === false;
    const endMs = performance.now() + END_TIMEOUT_MS;
    while (runs.some(isFollowed) && performance.now() < endMs) await pause(5);
  }

  /** Settles when all runs of this node have ended, at the latest after `ms`. */
  async #allEnded(ms: number): Promise<void> {
    if (this.#producers.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
    await Promise.race([Promise.all(Array.from(this.#producers, ({ ended }) => ended)), timeout]);
    clearTimeout(timer);
  }
}

function definedOnly<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
