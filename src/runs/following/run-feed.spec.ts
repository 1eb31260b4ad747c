import { jest } from '@jest/globals';
import type { RunListener, RunPage, RunRead, RunStore } from '../../broker/run-store.interface.js';
import { RunFeed } from './run-feed.js';

const POLL_MS = 2_500;

let reads: { readonly read: RunRead; readonly answer: (page?: RunPage) => void; readonly fail: () => void }[];
let listeners: Set<RunListener>;
let idle: number;
let feed: RunFeed;

const change = (page?: RunPage): void => {
  for (const listener of listeners) listener('entries', page);
};
/** Lets everything run that waits for no timer. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

beforeEach(() => {
  jest.useFakeTimers();
  [reads, listeners, idle] = [[], new Set(), 0];
  const store: Pick<RunStore, 'read' | 'onChange'> = {
    read: (read) =>
      new Promise((resolve, reject) =>
        reads.push({ read, answer: resolve, fail: () => reject(new Error('on purpose')) }),
      ),
    onChange: (_run, listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  feed = new RunFeed(store as RunStore, 'r', () => idle++);
});
afterEach(() => jest.useRealTimers());

describe('RunFeed', () => {
  it('has one subscription for all listeners, and none and no timer once the last has gone', () => {
    const unlisten = [feed.listen(() => {}), feed.listen(() => {})];
    expect([listeners.size, jest.getTimerCount(), feed.isIdle]).toEqual([1, 1, false]);
    unlisten[0]?.();
    expect([listeners.size, idle]).toEqual([1, 0]);
    unlisten[1]?.();
    expect([listeners.size, jest.getTimerCount(), feed.isIdle, idle]).toEqual([0, 0, true, 1]);
  });

  it('calls each listener once for changes that arrive together, and again for a later one', async () => {
    const calls = [0, 0];
    feed.listen(() => calls[0]!++);
    feed.listen(() => calls[1]!++);
    for (let n = 0; n < 3; n++) change();
    await settled();
    expect(calls).toEqual([1, 1]);
    change();
    await settled();
    expect(calls).toEqual([2, 2]);
  });

  it('calls its listeners without a change too, as long after the last one as a notification may be lost', async () => {
    let calls = 0;
    feed.listen(() => calls++);
    jest.advanceTimersByTime(POLL_MS - 1);
    change();
    await settled();
    expect(calls).toBe(1);
    jest.advanceTimersByTime(POLL_MS - 1);
    expect(calls).toBe(1);
    jest.advanceTimersByTime(1);
    expect(calls).toBe(2);
  });

  it('passes entries on at once, each time, and calls without them at its interval all the same', async () => {
    const record = { epoch: 'e', state: 'running', startedAtMs: 1, entries: 1, firstKept: 1 } as const;
    const page: RunPage = { record, firstIndex: 1, entries: ['t'] };
    const calls: (RunPage | undefined)[][] = [[], []];
    for (const each of calls) feed.listen((received) => each.push(received));
    change(page);
    change(page);
    expect(calls).toEqual([
      [page, page],
      [page, page],
    ]);
    // A run whose entries are never read would count as unwatched.
    for (let ms = 0; ms < POLL_MS; ms += 100) {
      change(page);
      jest.advanceTimersByTime(100);
    }
    await settled();
    expect(calls.map((each) => each.filter((received) => received === undefined).length)).toEqual([1, 1]);
  });

  it('shares equal reads of several listeners while they go on, with a failure too, and none afterwards', async () => {
    feed.listen(() => {});
    feed.listen(() => {});
    const first = [feed.read(3, 'e'), feed.read(3, 'e'), feed.read(4, 'e'), feed.read(3)];
    expect(reads.map(({ read: { after, epoch } }) => [after, epoch])).toEqual([
      [3, 'e'],
      [4, 'e'],
      [3, undefined],
    ]);
    expect(reads.every(({ read }) => read.follows && read.run === 'r')).toBe(true);
    for (const { answer } of reads) answer();
    await Promise.all(first);
    const failing = [feed.read(3, 'e'), feed.read(3, 'e')];
    expect(reads).toHaveLength(4);
    reads.at(-1)?.fail();
    for (const each of failing) await expect(each).rejects.toThrow('on purpose');
    void feed.read(3, 'e');
    expect(reads).toHaveLength(5);
  });
});
