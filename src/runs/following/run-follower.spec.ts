import type { RunPage, RunRead, RunState, RunStore } from '../../broker/run-store.interface.js';
import { SseError } from '../../protocol/sse-error.js';
import { encodeEntry } from '../run-entry.js';
import type { FollowStart } from './follow-start.js';
import { RunFeed } from './run-feed.js';
import { RunFollower, type FollowerOptions } from './run-follower.js';

const EPOCH = '0123456789abcdef';
const FROM_START: FollowStart = { after: 0, epoch: EPOCH, gap: undefined, isResumed: false };

/** A store with one run, which a test changes. */
class OneRun {
  readonly reads: RunRead[] = [];
  readonly entries: string[] = [];
  readonly listeners = new Set<() => void>();
  state: RunState = 'running';
  firstKept = 1;
  epoch = EPOCH;
  isMissing = false;
  failure: Error | undefined;

  readonly store = {
    onChange: (_run: string, listener: () => void) => {
      this.listeners.add(listener);
      return () => void this.listeners.delete(listener);
    },
    read: async (read: RunRead): Promise<RunPage | undefined> => {
      this.reads.push(read);
      if (this.failure !== undefined) throw this.failure;
      if (this.isMissing) return undefined;
      const firstIndex = Math.max(read.after + 1, this.firstKept);
      const { epoch, state, firstKept } = this;
      const record = { epoch, state, startedAtMs: 1, entries: this.entries.length, firstKept };
      return { record, firstIndex, entries: this.entries.slice(firstIndex - 1) };
    },
  } as unknown as RunStore;

  add(...data: string[]): void {
    this.entries.push(...data.map((each) => encodeEntry({ data: each }, true)));
    this.change();
  }

  change(): void {
    for (const listener of this.listeners) listener();
  }
}

let run: OneRun;
let failures: string[];
let gaps: string[];
let closed: number;

function follow(options: Partial<FollowerOptions> = {}): RunFollower {
  return new RunFollower({
    run: 'r',
    openFeed: () => new RunFeed(run.store, 'r', () => {}),
    onClosed: () => void closed++,
    onGap: (reason) => gaps.push(reason),
    onFailure: (callback) => failures.push(callback),
    clientId: 'c',
    start: FROM_START,
    control: true,
    ready: false,
    ...options,
  });
}

const nextText = async (follower: RunFollower): Promise<string | undefined> => {
  const { value, done } = await follower.next();
  return done === true ? undefined : Buffer.from(value.bytes).toString();
};

beforeEach(() => {
  run = new OneRun();
  [failures, gaps] = [[], []];
  closed = 0;
});

describe('RunFollower', () => {
  it('sends each event once and in order, then one end, and reads only after a change', async () => {
    run.add('1');
    const follower = follow();
    expect(await nextText(follower)).toBe(`data: 1\nid: 3.${EPOCH}.1\n\n`);
    const waiting = nextText(follower);
    await new Promise(setImmediate);
    expect(run.reads).toHaveLength(1);
    run.add('2', '3');
    expect(await waiting).toBe(`data: 2\nid: 3.${EPOCH}.2\n\ndata: 3\nid: 3.${EPOCH}.3\n\n`);
    run.state = 'done';
    run.change();
    expect(await nextText(follower)).toContain(`id: 3.${EPOCH}.3.end`);
    expect(await nextText(follower)).toBeUndefined();
    expect([run.reads.length, closed, run.listeners.size]).toEqual([3, 1, 0]);
  });

  it('sees an event that is stored while it reads', async () => {
    const follower = follow();
    const first = nextText(follower);
    // The read has begun, and has no entry.
    run.add('1');
    expect(await first).toContain('data: 1');
    const read = run.store.read.bind(run.store);
    run.store.read = async (wanted) => {
      const page = await read(wanted);
      if (run.entries.length === 1) run.add('2');
      return page;
    };
    run.change();
    expect(await nextText(follower)).toContain('data: 2');
    await follower.return();
  });

  it('listens at its first read, so that one that is never read leaves nothing behind', async () => {
    const follower = follow({ ready: true });
    expect(await nextText(follower)).toContain('sse:ready');
    expect(run.listeners.size).toBe(0);
    await follower.return();
    expect([await nextText(follower), closed]).toEqual([undefined, 0]);
  });

  it('tells a gap before events that were let go, once', async () => {
    run.add('1', '2', '3');
    run.firstKept = 3;
    const follower = follow();
    expect(await nextText(follower)).toContain('"reason":"trimmed"');
    expect(await nextText(follower)).toContain('data: 3');
    expect(gaps).toEqual(['trimmed']);
    await follower.return();
  });

  it('ends as lost where the store does not have the run any more, and without an end where another one has its name', async () => {
    run.add('1');
    const lost = follow();
    await nextText(lost);
    run.isMissing = true;
    run.change();
    expect(await nextText(lost)).toContain('"state":"failed","reason":"lost"');
    run.isMissing = false;
    const replaced = follow();
    await nextText(replaced);
    run.epoch = 'f'.repeat(16);
    run.change();
    expect(await nextText(replaced)).toBeUndefined();
  });

  it('without control events throws for a run that has failed, and ends for one that is done', async () => {
    run.state = 'failed';
    await expect(follow({ control: false }).next()).rejects.toThrow('failed');
    run.state = 'done';
    expect((await follow({ control: false }).next()).done).toBe(true);
  });

  it('reads again after a store that could not be reached, and ends where it fails otherwise', async () => {
    run.failure = new SseError('broker-unavailable', 'on purpose');
    const follower = follow();
    const waiting = nextText(follower);
    await new Promise(setImmediate);
    run.failure = undefined;
    run.add('1');
    expect(await waiting).toContain('data: 1');
    run.failure = new Error('on purpose');
    run.change();
    expect(await nextText(follower)).toBeUndefined();
    expect(failures).toEqual(['broker.runs']);
  });
});
