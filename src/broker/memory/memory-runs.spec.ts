import { jest } from '@jest/globals';
import fc from 'fast-check';
import type { RunStart } from '../run-store.interface.js';
import { MemoryRuns } from './memory-runs.js';

const EPOCH = 'a'.repeat(16);
const lease = { run: 'r', epoch: EPOCH };
const FIRST: RunStart = {
  ...lease,
  leaseMs: 15_000,
  keepMs: 60_000,
  maxEntries: 100,
  maxBytes: 10_000,
  restart: true,
};
const ALL = { run: 'r', after: 0, maxBytes: 1e6, follows: false };

let runs: MemoryRuns;
beforeEach(() => {
  jest.useFakeTimers({ now: 1_000_000 });
  runs = new MemoryRuns(() => {});
});
afterEach(() => {
  runs.close();
  jest.useRealTimers();
});

describe('MemoryRuns', () => {
  it('starts a run once, whose entries are read with its state', async () => {
    const record = await runs.start(FIRST);
    expect(record).toEqual({
      epoch: EPOCH,
      state: 'running',
      startedAtMs: 1_000_000,
      entries: 0,
      firstKept: 1,
    });
    expect(await runs.start({ ...FIRST, epoch: 'b'.repeat(16) })).toEqual(record);
    expect(await runs.append(lease, 0, ['1', '2'])).toMatchObject({
      accepted: true,
      stop: false,
      entries: 2,
    });
    expect(await runs.read(ALL)).toMatchObject({
      firstIndex: 1,
      entries: ['1', '2'],
      record: { entries: 2 },
    });
    expect(await runs.read({ ...ALL, after: 1, epoch: EPOCH })).toMatchObject({
      firstIndex: 2,
      entries: ['2'],
    });
    expect(await runs.read({ ...ALL, after: 2, epoch: 'b'.repeat(16) })).toMatchObject({ firstIndex: 1 });
    expect(await runs.read({ ...ALL, run: 'other' })).toBeUndefined();
  });

  it('makes a repeated append once, and refuses one that skips entries', async () => {
    await runs.start(FIRST);
    await runs.append(lease, 0, ['1', '2']);
    await runs.append(lease, 0, ['1', '2']);
    await runs.append(lease, 1, ['2', '3']);
    expect((await runs.read(ALL))?.entries).toEqual(['1', '2', '3']);
    expect(await runs.append(lease, 4, ['5'])).toMatchObject({ accepted: false });
  });

  it('ends a run whose lease has expired, and accepts nothing of it afterwards', async () => {
    await runs.start(FIRST);
    jest.advanceTimersByTime(14_999);
    expect(await runs.renew(lease)).toMatchObject({ accepted: true });
    jest.advanceTimersByTime(15_000);
    expect(await runs.append(lease, 0, ['late'])).toMatchObject({ accepted: false });
    expect((await runs.read(ALL))?.record).toMatchObject({ state: 'failed', reason: 'lease', entries: 0 });
    expect(await runs.end(lease, 'done')).toMatchObject({ state: 'failed' });
    expect(await runs.start({ ...FIRST, epoch: 'b'.repeat(16) })).toMatchObject({
      state: 'running',
      entries: 0,
    });
    expect(await runs.append(lease, 0, ['late'])).toMatchObject({ accepted: false });
    expect(await runs.end(lease, 'done')).toBeUndefined();
  });

  it('keeps an ended run for keepMs, and starts it again only where the call asks for it', async () => {
    await runs.start(FIRST);
    await runs.append(lease, 0, ['1']);
    await runs.end(lease, 'done');
    expect(await runs.start({ ...FIRST, epoch: 'b'.repeat(16), restart: false })).toMatchObject({
      epoch: EPOCH,
      state: 'done',
      endedAtMs: 1_000_000,
    });
    expect(await runs.start(FIRST)).toMatchObject({ state: 'done' });
    jest.advanceTimersByTime(59_999);
    expect((await runs.read(ALL))?.entries).toEqual(['1']);
    jest.advanceTimersByTime(1);
    expect(await runs.read(ALL)).toBeUndefined();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('brings to listeners the entries that were added, without those of a repeated call', async () => {
    await runs.start(FIRST);
    const pages: unknown[] = [];
    runs.onChange('r', (_change, page) => pages.push(page && [page.firstIndex, page.entries]));
    await runs.append(lease, 0, ['1']);
    await runs.append(lease, 0, ['1', '2', '3']);
    await runs.append(lease, 0, ['1', '2', '3']);
    await runs.end(lease, 'done');
    expect(pages).toEqual([[1, ['1']], [2, ['2', '3']], undefined]);
  });

  it('tells the producer of a stop and of the time without followers', async () => {
    const changes: string[] = [];
    const unsubscribe = runs.onChange('r', (change) => changes.push(change));
    await runs.start(FIRST);
    jest.advanceTimersByTime(500);
    expect(await runs.renew(lease)).toMatchObject({ stop: false, unwatchedMs: 500 });
    await runs.read(ALL);
    expect(await runs.renew(lease)).toMatchObject({ unwatchedMs: 500 });
    await runs.read({ ...ALL, follows: true });
    expect(await runs.renew(lease)).toMatchObject({ unwatchedMs: 0 });
    expect(await runs.requestStop('r')).toMatchObject({ state: 'running' });
    expect(await runs.append(lease, 0, ['1'])).toMatchObject({ accepted: true, stop: true });
    await runs.end(lease, 'stopped');
    await runs.requestStop('r');
    unsubscribe();
    await runs.start({ ...FIRST, epoch: 'b'.repeat(16) });
    await runs.requestStop('r');
    expect(changes).toEqual(['entries', 'stop', 'entries', 'end']);
    expect(await runs.requestStop('other')).toBeUndefined();
  });

  it('stores at most maxBytes over all runs: entries of ended runs are removed first, and never their state', async () => {
    runs = new MemoryRuns(() => {}, { maxBytes: 10 * 132, maxEnded: 2 });
    const entry = 'x'.repeat(100);
    for (const run of ['a', 'b', 'c']) {
      await runs.start({ ...FIRST, run });
      await runs.append(
        { run, epoch: EPOCH },
        0,
        Array.from({ length: 4 }, () => entry),
      );
    }
    const kept = async (run: string): Promise<number | undefined> =>
      (await runs.read({ ...ALL, run }))?.entries.length;
    expect([await kept('a'), await kept('b'), await kept('c')]).toEqual([4, 4, 2]);
    await runs.end({ run: 'a', epoch: EPOCH }, 'done');
    await runs.append({ run: 'c', epoch: EPOCH }, 4, [entry]);
    expect([await kept('a'), await kept('b'), await kept('c')]).toEqual([0, 4, 3]);
    expect((await runs.read({ ...ALL, run: 'a' }))?.record).toMatchObject({
      state: 'done',
      entries: 4,
      firstKept: 5,
    });
    for (const run of ['b', 'c']) await runs.end({ run, epoch: EPOCH }, 'done');
    expect(await kept('a')).toBeUndefined();
  });

  it('stores the newest entries within its bounds, for random appends', async () => {
    const appends = fc.array(fc.array(fc.string({ unit: 'grapheme', maxLength: 30 }), { maxLength: 8 }), {
      maxLength: 400,
    });
    await fc.assert(
      fc.asyncProperty(
        appends,
        fc.nat({ max: 60 }),
        fc.nat({ max: 200 }),
        async (batches, after, maxBytes) => {
          runs = new MemoryRuns(() => {});
          await runs.start({ ...FIRST, maxEntries: 20, maxBytes: 200 });
          const all: string[] = [];
          for (const batch of batches) {
            await runs.append(lease, all.length, batch);
            all.push(...batch);
          }
          const page = await runs.read({ ...ALL, after, maxBytes });
          if (page === undefined) throw new Error('no run');
          const { record, firstIndex, entries } = page;
          expect(record.entries).toBe(all.length);
          expect(entries).toEqual(all.slice(firstIndex - 1, firstIndex - 1 + entries.length));
          expect(firstIndex).toBe(Math.max(after + 1, record.firstKept));
          const kept = all.slice(record.firstKept - 1);
          const bytes = Buffer.byteLength(kept.join(''));
          expect(kept.length).toBeLessThanOrEqual(20);
          if (kept.length > 1) expect(bytes).toBeLessThanOrEqual(200);
          if (after < all.length && kept.length > 0) expect(entries.length).toBeGreaterThan(0);
          if (entries.length > 1) expect(Buffer.byteLength(entries.join(''))).toBeLessThanOrEqual(maxBytes);
          runs.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});
