import { jest } from '@jest/globals';
import { NEVER, Observable } from 'rxjs';
import { MemoryRuns } from '../../broker/memory/memory-runs.js';
import type { RunLease, RunStore } from '../../broker/run-store.interface.js';
import { encodeEntry } from '../run-entry.js';
import { newRunEpoch } from '../run-id.js';
import { RunProducer, type RunProducerOptions } from './run-producer.js';

const BOUNDS = { leaseMs: 3_000, keepMs: 5_000, maxEntries: 100, maxBytes: 100_000 };
const WANTED = { run: 'r', after: 0, maxBytes: 100_000, follows: false };

let store: MemoryRuns;
let failures: unknown[];
let abort: AbortController;
let lease: RunLease;

async function producerOf(options: Partial<RunProducerOptions> = {}): Promise<RunProducer> {
  lease = { run: 'r', epoch: newRunEpoch() };
  await store.start({ ...lease, ...BOUNDS, restart: true });
  return new RunProducer({
    ...BOUNDS,
    store,
    lease,
    maxDurationMs: false,
    stopWhenUnwatchedMs: false,
    abort,
    encode: (value) => {
      if (typeof value !== 'string') throw new TypeError('no text');
      return encodeEntry({ data: value }, true);
    },
    onFailure: (error) => failures.push(error),
    ...options,
  });
}

async function stored(): Promise<string[]> {
  const page = await store.read(WANTED);
  return (page?.entries ?? []).map((entry) => entry.slice('tdata: '.length, -1));
}

/** A producer whose values a test gives, and which counts the calls of its `return`. */
class Given {
  returns = 0;
  #resolve: ((result: IteratorResult<unknown>) => void) | undefined;

  readonly iterable = {
    [Symbol.asyncIterator]: () => ({
      next: (): Promise<IteratorResult<unknown>> => new Promise((resolve) => (this.#resolve = resolve)),
      return: async (): Promise<IteratorResult<unknown>> => {
        this.returns++;
        return { value: undefined, done: true };
      },
    }),
  };

  /** Gives a value to the call of `next` that waits. */
  async give(value: unknown): Promise<void> {
    await new Promise(setImmediate);
    this.#resolve?.({ value, done: false });
    await new Promise(setImmediate);
  }
}

beforeEach(() => {
  store = new MemoryRuns(() => {});
  failures = [];
  abort = new AbortController();
});
afterEach(() => {
  jest.useRealTimers();
  store.close();
});

describe('RunProducer', () => {
  it('stores the values in their order, ends as done, and leaves the signal alone', async () => {
    const producer = await producerOf();
    producer.produce(() => ['1', '2'].values());
    await producer.first;
    expect(await producer.ended).toMatchObject({ state: 'done', entries: 2 });
    expect([await stored(), abort.signal.aborted, failures]).toEqual([['1', '2'], false, []]);
  });

  it('rejects `first` with a failure before the first value, and reports one after it', async () => {
    const early = await producerOf();
    early.produce(() => Promise.reject(new Error('early')));
    await expect(early.first).rejects.toThrow('early');
    expect(await early.ended).toMatchObject({ state: 'failed', entries: 0 });
    expect(failures).toEqual([]);
    const late = await producerOf();
    late.produce(() => ['1', 2].values());
    await late.first;
    expect(await late.ended).toMatchObject({ state: 'failed', entries: 1 });
    expect([await stored(), failures]).toEqual([['1'], [new TypeError('no text')]]);
  });

  it('aborts the signal, returns the iterator once, and drops a value that comes later, where it is stopped', async () => {
    const given = new Given();
    const producer = await producerOf();
    producer.produce(() => given.iterable);
    await given.give('1');
    await given.give('2');
    producer.stop({ state: 'stopped' });
    producer.stop({ state: 'failed', reason: 'deadline' });
    await given.give('late');
    expect(await producer.ended).toMatchObject({ state: 'stopped', entries: 2 });
    expect([await stored(), abort.signal.aborted, given.returns]).toEqual([['1', '2'], true, 1]);
  });

  it('returns an iterator that the producer gives only after the stop', async () => {
    const given = new Given();
    let start!: (iterable: unknown) => void;
    const producer = await producerOf();
    producer.produce(() => new Promise((resolve) => (start = resolve)));
    producer.stop({ state: 'stopped' });
    start(given.iterable);
    expect(await producer.ended).toMatchObject({ state: 'stopped', entries: 0 });
    await new Promise(setImmediate);
    expect(given.returns).toBe(1);
  });

  it('ends where the store asks for it, and where its time is over', async () => {
    let isUnsubscribed = false;
    const asked = await producerOf();
    asked.produce(() => new Observable(() => () => void (isUnsubscribed = true)));
    await new Promise(setImmediate);
    await store.requestStop('r');
    expect(await asked.ended).toMatchObject({ state: 'stopped' });
    expect(isUnsubscribed).toBe(true);
    const late = await producerOf({ maxDurationMs: 1 });
    late.produce(() => NEVER);
    expect(await late.ended).toMatchObject({ state: 'failed', reason: 'deadline' });
  });

  it('renews its lease while it is silent, and stops where nobody follows for as long as allowed', async () => {
    jest.useFakeTimers();
    const producer = await producerOf({ stopWhenUnwatchedMs: 10_000 });
    producer.produce(() => NEVER);
    for (let ms = 0; ms < 20_000; ms += 500) {
      await store.read({ ...WANTED, follows: true });
      await jest.advanceTimersByTimeAsync(500);
    }
    expect((await store.read(WANTED))?.record.state).toBe('running');
    await jest.advanceTimersByTimeAsync(15_000);
    expect(await producer.ended).toMatchObject({ state: 'stopped', reason: 'unwatched' });
    // The record of the run is kept for a while.
    await jest.advanceTimersByTimeAsync(BOUNDS.keepMs);
    expect([abort.signal.aborted, jest.getTimerCount()]).toEqual([true, 0]);
  });

  it('that has lost its lease aborts, stores nothing more, and leaves the run of another node as it is', async () => {
    const given = new Given();
    const producer = await producerOf();
    producer.produce(() => given.iterable);
    await given.give('1');
    await store.end(lease, 'failed', 'lease');
    const other = { run: 'r', epoch: 'f'.repeat(16) };
    await store.start({ ...other, ...BOUNDS, restart: true });
    await given.give('2');
    expect(await producer.ended).toBeUndefined();
    await given.give('3');
    expect([await stored(), abort.signal.aborted, given.returns]).toEqual([[], true, 1]);
    expect((await store.read(WANTED))?.record).toMatchObject({ epoch: other.epoch, state: 'running' });
  });

  it('stores its last values before its end, though the store is slow', async () => {
    const calls: string[] = [];
    const slow: RunStore = Object.create(store, {
      append: {
        value: async (...call: Parameters<RunStore['append']>) => {
          await new Promise(setImmediate);
          calls.push(`append ${call[2].length}`);
          return store.append(...call);
        },
      },
      end: {
        value: (...call: Parameters<RunStore['end']>) => {
          calls.push('end');
          return store.end(...call);
        },
      },
      onChange: { value: store.onChange.bind(store) },
      renew: { value: store.renew.bind(store) },
    }) as RunStore;
    const producer = await producerOf({ store: slow });
    producer.produce(() => ['1', '2', '3'].values());
    expect(await producer.ended).toMatchObject({ state: 'done', entries: 3 });
    expect(calls).toEqual(['append 1', 'append 2', 'end']);
  });
});
