import type { RunLease, RunPage, RunRecord, RunStore } from 'nestjs-simple-sse';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { pause } from '../support/within.js';

/** Longest time between two reads of a follower that nothing wakes, in milliseconds. */
const POLL_MS = 300;
const BOUNDS = { keepMs: 120_000, maxEntries: 10_000, maxBytes: 2 ** 23 };

export interface RunTrafficOptions {
  readonly seed: number;
  /** The store of each node. */
  readonly stores: readonly RunStore[];
  readonly runs: number;
  /** Most entries of a run; the least are 10. */
  readonly maxEntries: number;
  readonly leaseMs: number;
  readonly followersPerRun: number;
  /** Time after which a follower without an end counts as one that hangs, in milliseconds. */
  readonly patienceMs: number;
  /** A fault of the followers, for mutants: they listen after their first read, and read only when they are woken. */
  readonly listensLate?: boolean;
}

export interface RunVerdict {
  readonly entries: number;
  readonly returns: number;
  /** Ends of runs by state and reason. */
  readonly ends: Readonly<Record<string, number>>;
  /** Broken promises in words. */
  readonly broken: readonly string[];
}

/** A run of the traffic: the entries that its producer has sent, and how many of them were acknowledged. */
class PlayedRun {
  readonly lease: RunLease;
  readonly sent: string[] = [];
  acknowledged = 0;

  constructor(lease: RunLease) {
    this.lease = lease;
  }
}

/** Plays runs on several nodes, and compares what each follower received with what was accepted. */
export class RunTraffic {
  readonly #options: RunTrafficOptions;
  readonly #random: () => number;
  readonly #broken: string[] = [];
  readonly #ends: Record<string, number> = {};
  #entries = 0;
  #returns = 0;

  constructor(options: RunTrafficOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  async play(): Promise<RunVerdict> {
    const { runs } = this.#options;
    await Promise.all(Array.from({ length: runs }, (_, n) => this.#playRun(n)));
    return { entries: this.#entries, returns: this.#returns, ends: this.#ends, broken: this.#broken };
  }

  async #playRun(n: number): Promise<void> {
    const { followersPerRun } = this.#options;
    await pause(this.#below(500));
    const first = new PlayedRun({ run: `run ${n}`, epoch: `${n}a`.padStart(16, '0') });
    const isFrozen = n % 5 === 4;
    const run = isFrozen ? await this.#takeOver(first) : first;
    if (!isFrozen) await this.#start(run, false);
    const producing = this.#produce(run, n % 5 === 3);
    const stopping = n % 5 === 2 ? this.#stopLater(run) : undefined;
    const followers = Array.from({ length: followersPerRun }, async () => this.#follow(run));
    await producing;
    await stopping;
    const late = this.#follow(run);
    const records = await Promise.all([...followers, late]);
    const status = await this.#retry(async () => this.#read(run, 0));
    const texts = new Set([...records, status?.record].map((record) => JSON.stringify(record)));
    if (texts.size > 1) this.#broken.push(`${run.lease.run}: unequal ends ${[...texts].join(' ')}`);
    const name = `${status?.record.state} ${status?.record.reason ?? ''}`.trim();
    this.#ends[name] = (this.#ends[name] ?? 0) + 1;
    this.#entries += run.sent.length;
  }

  /** Freezes a producer for longer than its lease. Another one restarts the run before it comes back. */
  async #takeOver(frozen: PlayedRun): Promise<PlayedRun> {
    await this.#start(frozen, false);
    await this.#append(frozen, 5);
    const status = async (): Promise<string | undefined> =>
      (await this.#retry(async () => this.#read(frozen, 0)))?.record.state;
    while ((await status()) === 'running') await pause(100);
    const next = new PlayedRun({ ...frozen.lease, epoch: frozen.lease.epoch.replace('a', 'b') });
    await this.#start(next, true);
    await this.#append(next, 5);
    // As many entries as the new run has: only the epoch tells them apart.
    if (await this.#append(frozen, 5))
      this.#broken.push(`${frozen.lease.run}: a frozen producer has published`);
    return next;
  }

  async #start({ lease }: PlayedRun, restart: boolean): Promise<void> {
    const { leaseMs } = this.#options;
    const record = await this.#retry(async () =>
      this.#store().start({ ...BOUNDS, ...lease, leaseMs, restart }),
    );
    if (record.epoch !== lease.epoch) this.#broken.push(`${lease.run}: was not started`);
  }

  /** @param dies the node of the producer dies in the middle: nothing ends the run */
  async #produce(run: PlayedRun, dies: boolean): Promise<void> {
    const total = 10 + this.#below(this.#options.maxEntries - 10);
    const paceMs = this.#below(6);
    while (run.sent.length < total) {
      if (dies && run.sent.length > total / 2) return;
      if (!(await this.#append(run, 1 + this.#below(4)))) return;
      await pause(this.#below(paceMs + 1));
    }
    await this.#retry(async () => this.#store().end(run.lease, 'done'));
  }

  /** @returns `false` after the end of the run */
  async #append(run: PlayedRun, count: number): Promise<boolean> {
    const { lease, sent } = run;
    const after = sent.length;
    const added = Array.from({ length: count }, (_, n) => `${lease.epoch}:${after + n + 1}`);
    const progress = await this.#retry(async () => {
      return this.#store().append(lease, after, added);
    });
    if (!progress.accepted) return false;
    sent.push(...added);
    run.acknowledged = sent.length;
    if (!progress.stop) return true;
    await this.#retry(async () => this.#store().end(lease, 'stopped'));
    return false;
  }

  async #stopLater({ lease }: PlayedRun): Promise<void> {
    await pause(this.#below(600));
    await this.#retry(async () => this.#store().requestStop(lease.run));
  }

  /** Follows a run to its end, from other nodes after random drops. @returns the record of the end */
  async #follow(run: PlayedRun): Promise<RunRecord | undefined> {
    const deadlineMs = performance.now() + this.#options.patienceMs;
    const found: string[] = [];
    const { run: name, epoch } = run.lease;
    for (;;) {
      const record = await this.#followOnce(run, found, deadlineMs);
      if (record !== undefined) {
        const expected = Array.from({ length: record.entries }, (_, n) => `${epoch}:${n + 1}`);
        if (found.join() !== expected.join())
          this.#broken.push(`${name}: received ${found.length} of ${record.entries}, last ${found.at(-1)}`);
        if (found.length < run.acknowledged)
          this.#broken.push(`${name}: ${found.length} of ${run.acknowledged} that were accepted`);
        return record;
      }
      if (performance.now() > deadlineMs) {
        this.#broken.push(`${name}: a follower has no end after ${found.length} entries`);
        return undefined;
      }
      this.#returns++;
      await pause(this.#below(60));
    }
  }

  /** @returns `undefined` after a drop, or without an end in time */
  async #followOnce(run: PlayedRun, found: string[], deadlineMs: number): Promise<RunRecord | undefined> {
    const { listensLate = false } = this.#options;
    const store = this.#store();
    const drops = listensLate ? Infinity : this.#below(40);
    let wake: (() => void) | undefined;
    let end: (() => void) | undefined;
    const listen = (): void => {
      end ??= store.onChange(run.lease.run, () => wake?.());
    };
    if (!listensLate) listen();
    try {
      for (let reads = 0; reads < drops; reads++) {
        const woken = new Promise<void>((resolve) => (wake = resolve));
        const page = await store
          .read({ ...run.lease, after: found.length, follows: true, maxBytes: 500 + this.#below(2_000) })
          .catch(() => {});
        if (page !== undefined) {
          found.push(...page.entries);
          if (page.record.state !== 'running' && found.length >= page.record.entries) return page.record;
          if (found.length < page.record.entries) continue;
        }
        if (listensLate) await pause(400);
        listen();
        const waitMs = listensLate ? deadlineMs + 50 - performance.now() : POLL_MS;
        const timer = setTimeout(() => wake?.(), waitMs);
        await woken;
        clearTimeout(timer);
        if (performance.now() > deadlineMs) return undefined;
      }
      return undefined;
    } finally {
      end?.();
    }
  }

  async #read({ lease }: PlayedRun, after: number): Promise<RunPage | undefined> {
    return this.#store().read({ ...lease, after, follows: false, maxBytes: 0 });
  }

  /** Repeats a call whose outcome is unknown. */
  async #retry<T>(call: () => Promise<T>): Promise<T> {
    const deadlineMs = performance.now() + this.#options.patienceMs;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (performance.now() > deadlineMs) throw error;
        await pause(20);
      }
    }
  }

  #store(): RunStore {
    return this.#options.stores[this.#below(this.#options.stores.length)] as RunStore;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
