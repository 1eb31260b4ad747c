import { someTurns } from '../../../../test/support/within.js';
import { ReadQueue } from './read-queue.js';

interface OpenRead {
  readonly name: string;
  readonly finish: () => void;
}

describe('ReadQueue', () => {
  let started: OpenRead[];
  beforeEach(() => (started = []));

  const read = (name: string) => (): Promise<string> =>
    new Promise((resolve) => started.push({ name, finish: () => resolve(name) }));
  const names = (): string[] => started.map(({ name }) => name);

  it('runs a limited number of reads at a time, in the order of their calls', async () => {
    const queue = new ReadQueue(2);
    const results = ['a', 'b', 'c', 'd'].map((name) => queue.run(read(name)));
    await someTurns(2);
    expect([names(), queue.waitingCount]).toEqual([['a', 'b'], 2]);
    started[1]?.finish();
    await someTurns(2);
    expect(names()).toEqual(['a', 'b', 'c']);
    for (const { finish } of started) finish();
    await someTurns(2);
    for (const { finish } of started) finish();
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd']);
    expect(queue.waitingCount).toBe(0);
  });

  it('starts an urgent read before all that wait', async () => {
    const queue = new ReadQueue(1);
    const results = [queue.run(read('a')), queue.run(read('b')), queue.run(read('c'), { isUrgent: true })];
    await someTurns(2);
    for (let n = 0; n < 3; n++) {
      started[n]?.finish();
      await someTurns(2);
    }
    expect(names()).toEqual(['a', 'c', 'b']);
    await Promise.all(results);
  });

  it('never starts a read that was cancelled while it waited, and passes its place on', async () => {
    const queue = new ReadQueue(1);
    const cancel = new AbortController();
    const first = queue.run(read('a'));
    const cancelled = queue.run(read('b'), { signal: cancel.signal });
    const last = queue.run(read('c'));
    await someTurns(2);
    cancel.abort('gone');
    await expect(cancelled).rejects.toBe('gone');
    started[0]?.finish();
    await someTurns(2);
    expect(names()).toEqual(['a', 'c']);
    started[1]?.finish();
    expect(await Promise.all([first, last])).toEqual(['a', 'c']);
  });

  it('keeps the place of a cancelled read until its reply has arrived', async () => {
    const queue = new ReadQueue(1);
    const cancel = new AbortController();
    const cancelled = queue.run(read('a'), { signal: cancel.signal });
    const next = queue.run(read('b'));
    await someTurns(2);
    cancel.abort('gone');
    await expect(cancelled).rejects.toBe('gone');
    await someTurns(2);
    expect(names()).toEqual(['a']);
    started[0]?.finish();
    await someTurns(2);
    started[1]?.finish();
    expect(await next).toBe('b');
  });

  it('counts the reads of several queues against their parent', async () => {
    const parent = new ReadQueue(2);
    const queues = [new ReadQueue(2, parent), new ReadQueue(2, parent)];
    const results = queues.flatMap((queue, n) => [queue.run(read(`${n} a`)), queue.run(read(`${n} b`))]);
    await someTurns(3);
    expect(started).toHaveLength(2);
    for (let n = 0; n < 4; n++) {
      started[n]?.finish();
      await someTurns(3);
    }
    expect((await Promise.all(results)).toSorted()).toEqual(['0 a', '0 b', '1 a', '1 b']);
  });

  it('frees the place of a read that fails', async () => {
    const queue = new ReadQueue(1);
    await expect(queue.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    const next = queue.run(read('a'));
    await someTurns(2);
    started[0]?.finish();
    expect(await next).toBe('a');
  });
});
