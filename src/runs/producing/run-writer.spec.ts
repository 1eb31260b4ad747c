import { jest } from '@jest/globals';
import type { RunProgress, RunStore } from '../../broker/run-store.interface.js';
import { SseError } from '../../protocol/sse-error.js';
import { RunWriter } from './run-writer.js';

type Append = RunStore['append'];
type Call = [after: number, entries: readonly string[]];

const LEASE = { run: 'r', epoch: 'a'.repeat(16) };
const unavailable = (): SseError => new SseError('broker-unavailable', 'on purpose');
const accepted: RunProgress = { accepted: true, stop: false, unwatchedMs: 0, entries: 0 };

let calls: Call[];
let renewals: number;
let lost: unknown[];
let progress: RunProgress[];

/** @param append answers the calls; default: each is accepted */
function writerOf(append: Append = async () => accepted): RunWriter {
  const store: Partial<RunStore> = {
    append: async (lease, after, entries) => {
      calls.push([after, [...entries]]);
      return append(lease, after, entries);
    },
    renew: async () => {
      renewals++;
      return accepted;
    },
  };
  return new RunWriter({
    store: store as RunStore,
    lease: LEASE,
    leaseMs: 1_000,
    onProgress: (each) => progress.push(each),
    onLost: (error) => lost.push(error),
  });
}

beforeEach(() => {
  [calls, lost, progress] = [[], [], []];
  renewals = 0;
});
afterEach(() => jest.useRealTimers());

describe('RunWriter', () => {
  it('stores entries in their order, one call at a time, and those that wait share a call', async () => {
    let release!: (value: RunProgress) => void;
    const first = new Promise<RunProgress>((resolve) => (release = resolve));
    const writer = writerOf(() => (calls.length === 1 ? first : Promise.resolve(accepted)));
    for (const entry of ['1', '2', '3']) expect(writer.add(entry)).toBeUndefined();
    await new Promise(setImmediate);
    expect(calls).toHaveLength(1);
    release(accepted);
    await writer.flushed();
    expect(calls.flatMap(([, entries]) => entries)).toEqual(['1', '2', '3']);
    expect(calls.map(([after]) => after)).toEqual(
      calls.map((_, n) => calls.slice(0, n).flatMap(([, e]) => e).length),
    );
    expect(writer.accepted).toBe(3);
  });

  it('lets the producer wait at 256 entries, and at 64 KiB', async () => {
    const writer = writerOf();
    const waits = Array.from({ length: 300 }, (_, n) => writer.add(`${n}`)).map((wait) => wait !== undefined);
    expect([waits.indexOf(true) >= 255, waits.at(-1)]).toEqual([true, true]);
    await writer.flushed();
    expect(writer.accepted).toBe(300);
    const long = writerOf();
    void long.add('x');
    expect(long.add('x'.repeat(70_000))).toBeDefined();
    await long.flushed();
    expect(long.accepted).toBe(2);
  });

  it('repeats a call with the same number while the store cannot be reached', async () => {
    const writer = writerOf(async () => {
      if (calls.length === 1) throw unavailable();
      return accepted;
    });
    void writer.add('1');
    await writer.flushed();
    expect(calls).toEqual([
      [0, ['1']],
      [0, ['1']],
    ]);
    expect([writer.accepted, lost]).toEqual([1, []]);
  });

  it('stores nothing after a call that was not accepted, and tells the refusal', async () => {
    const writer = writerOf(async () => ({ ...accepted, accepted: false }));
    void writer.add('1');
    await writer.flushed();
    expect([calls.length, writer.accepted, progress.map((each) => each.accepted)]).toEqual([1, 0, [false]]);
  });

  it('is lost where the store refuses an entry for another reason', async () => {
    const writer = writerOf(async () => {
      throw new Error('on purpose');
    });
    void writer.add('1');
    await writer.flushed();
    expect(lost).toEqual([expect.objectContaining({ message: 'on purpose' })]);
  });

  it('renews the lease only while nothing is being stored', async () => {
    let release!: (value: RunProgress) => void;
    const writer = writerOf(() => new Promise<RunProgress>((resolve) => (release = resolve)));
    await writer.renew();
    void writer.add('1');
    await new Promise(setImmediate);
    await writer.renew();
    expect(renewals).toBe(1);
    release(accepted);
    await writer.flushed();
    await writer.renew();
    expect(renewals).toBe(2);
  });

  it('takes nothing after its end', async () => {
    const writer = writerOf();
    writer.close();
    expect(writer.add('1')).toBeUndefined();
    await writer.flushed();
    expect(calls).toEqual([]);
  });
});
