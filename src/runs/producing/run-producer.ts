import type { RunBounds, RunLease, RunRecord, RunState, RunStore } from '../../broker/run-store.interface.js';
import type { RunEntry } from '../run-entry.js';
import { RunWriter } from './run-writer.js';
import { valuesOf, type ValueIterator } from './producer-source.js';
import { untilReached } from '../until-reached.js';

/** A producer: the source of the events, or a function that returns it. The signal aborts when the run is stopped. */
export type ProduceRun = (signal: AbortSignal) => unknown;

export interface RunProducerOptions extends RunBounds {
  readonly store: RunStore;
  readonly lease: RunLease;
  readonly maxDurationMs: number | false;
  readonly stopWhenUnwatchedMs: number | false;
  readonly abort: AbortController;
  /** Converts a value of the producer. Its exception fails the run. */
  readonly encode: (value: unknown) => RunEntry;
  /** Takes the failure of a producer whose caller receives none, and one of its `return`. */
  readonly onFailure: (error: unknown) => void;
}

type End = { readonly state: Exclude<RunState, 'running'>; readonly reason?: string };

/** One run on the node that produces it: pulls its values, stores them, and ends it. */
export class RunProducer {
  readonly #options: RunProducerOptions;
  readonly #writer: RunWriter;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #unsubscribe: () => void;
  #iterator: ValueIterator | undefined;
  #end: End | undefined;
  #ending: Promise<RunRecord | undefined> | undefined;
  #settleFirst!: { resolve: () => void; reject: (error: unknown) => void };
  #hasFirst = false;
  #settleEnd!: (record: RunRecord | undefined) => void;
  /**
   * Resolves when the first event is stored, or the run has ended without one. Rejects with a failure of the producer before
   * its first event.
   */
  readonly first = new Promise<void>((resolve, reject) => (this.#settleFirst = { resolve, reject }));
  /** Resolves when the run has ended, with its record; `undefined` where the store does not have it any more. Never rejects. */
  readonly ended = new Promise<RunRecord | undefined>((resolve) => (this.#settleEnd = resolve));

  constructor(options: RunProducerOptions) {
    this.#options = options;
    const { store, lease, leaseMs, maxDurationMs, stopWhenUnwatchedMs } = options;
    this.first.catch(() => {});
    this.#writer = new RunWriter({
      store,
      lease,
      leaseMs,
      onProgress: ({ accepted, stop, unwatchedMs }) => {
        if (!accepted) return this.#lose();
        if (!this.#hasFirst && this.#writer.accepted > 0) this.#settled();
        if (stop) this.stop({ state: 'stopped' });
        else if (stopWhenUnwatchedMs !== false && unwatchedMs >= stopWhenUnwatchedMs)
          this.stop({ state: 'stopped', reason: 'unwatched' });
      },
      onLost: (error) => {
        options.onFailure(error);
        this.#lose();
      },
    });
    this.#unsubscribe = store.onChange(lease.run, (change) => {
      if (change === 'stop') void this.#writer.renew();
    });
    const renewMs = Math.min(leaseMs, stopWhenUnwatchedMs || leaseMs) / 3;
    this.#timers.push(setInterval(() => void this.#writer.renew(), renewMs));
    if (maxDurationMs !== false) {
      const overdue = (): void => this.stop({ state: 'failed', reason: 'deadline' });
      this.#timers.push(setTimeout(overdue, maxDurationMs));
    }
    for (const timer of this.#timers) timer.unref();
  }

  get run(): string {
    return this.#options.lease.run;
  }

  /** Calls the producer and pulls its values until it ends or is stopped. Called once. */
  produce(producer: ProduceRun): void {
    void this.#pull(producer);
  }

  /** Aborts the producer and ends the run. Does nothing from the second call on, and after the end. */
  stop(end: End): void {
    if (this.#end !== undefined) return;
    this.#finish(end);
    this.#options.abort.abort(new DOMException('The run was stopped.', 'AbortError'));
    this.#returnIterator();
  }

  async #pull(producer: ProduceRun): Promise<void> {
    const { abort, encode } = this.#options;
    try {
      const iterator = valuesOf(await producer(abort.signal));
      this.#iterator = iterator;
      if (this.#end !== undefined) return this.#returnIterator();
      for (;;) {
        const { value, done } = await iterator.next();
        if (this.#end !== undefined) return;
        if (done === true) break;
        const room = this.#writer.add(encode(value));
        if (room !== undefined) await room;
      }
      this.#finish({ state: 'done' });
    } catch (error) {
      if (this.#end !== undefined) return;
      this.#finish({ state: 'failed' }, { error });
      this.#returnIterator();
    }
  }

  /** Ends the run after the entries that wait for the store. */
  #finish(end: End, failure?: { readonly error: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#ending = this.#writer.flushed().then(async () => {
      if (failure !== undefined && (this.#hasFirst || this.#writer.accepted > 0))
        this.#options.onFailure(failure.error);
      else if (failure !== undefined) this.#fail(failure.error);
      return this.#store(end);
    });
    void this.#ending.then((record) => this.#close(record));
  }

  async #store({ state, reason }: End): Promise<RunRecord | undefined> {
    const { store, lease, leaseMs } = this.#options;
    return untilReached(() => store.end(lease, state, reason), leaseMs).catch((error: unknown) => {
      // The lease expires by itself.
      this.#options.onFailure(error);
      return undefined;
    });
  }

  /** The run has ended for the store, or belongs to another producer. */
  #lose(): void {
    this.#writer.close();
    if (this.#end !== undefined) return;
    this.#end = { state: 'failed', reason: 'lease' };
    this.#options.abort.abort(new DOMException('The lease of the run was lost.', 'AbortError'));
    this.#returnIterator();
    this.#close(undefined);
  }

  #close(record: RunRecord | undefined): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#unsubscribe();
    this.#writer.close();
    this.#settled();
    this.#settleEnd(record);
  }

  #settled(): void {
    this.#hasFirst = true;
    this.#settleFirst.resolve();
  }

  #fail(error: unknown): void {
    this.#hasFirst = true;
    this.#settleFirst.reject(error);
  }

  /** Called at once, even while a value is awaited: a generator then ends at its next `yield`. */
  #returnIterator(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    void (async () => iterator?.return?.())().catch((error: unknown) => this.#options.onFailure(error));
  }
}
