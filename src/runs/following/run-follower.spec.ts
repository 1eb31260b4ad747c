import type {
  RunListener,
  RunPage,
  RunRead,
  RunRecord,
  RunState,
  RunStore,
} from '../../broker/run-store.interface.js';
import { SseError } from '../../protocol/sse-error.js';
import type { SseFrame } from '../../protocol/sse-frame.js';
import { encodeEntry } from '../run-entry.js';
import type { FollowStart } from './follow-start.js';
import { RunFeed } from './run-feed.js';
import type { FollowerOptions, FrameTarget } from './follower-options.interface.js';
import { RunFollower } from './run-follower.js';

const EPOCH = '0123456789abcdef';
const FROM_START: FollowStart = { after: 0, epoch: EPOCH, gap: undefined, isResumed: false };

/** A store with one run, which a test changes. */
class OneRun {
  readonly reads: RunRead[] = [];
  readonly entries: string[] = [];
  readonly listeners = new Set<RunListener>();
  state: RunState = 'running';
  firstKept = 1;
  epoch = EPOCH;
  isMissing = false;
  failure: Error | undefined;

  readonly store = {
    onChange: (_run: string, listener: RunListener) => {
      this.listeners.add(listener);
      return () => void this.listeners.delete(listener);
    },
    read: async (read: RunRead): Promise<RunPage | undefined> => {
      this.reads.push(read);
      if (this.failure !== undefined) throw this.failure;
      if (this.isMissing) return undefined;
      const firstIndex = Math.max(read.after + 1, this.firstKept);
      return { record: this.record(), firstIndex, entries: this.entries.slice(firstIndex - 1) };
    },
  } as unknown as RunStore;

  add(...data: string[]): void {
    this.entries.push(...data.map((each) => encodeEntry({ data: each }, true)));
    this.change();
  }

  /** As `add`, with the entries at hand. */
  push(...data: string[]): void {
    const firstIndex = this.entries.length + 1;
    const entries = data.map((each) => encodeEntry({ data: each }, true));
    this.entries.push(...entries);
    this.change({ record: this.record(), firstIndex, entries });
  }

  record(): RunRecord {
    const { epoch, state, firstKept } = this;
    return { epoch, state, startedAtMs: 1, entries: this.entries.length, firstKept };
  }

  change(page?: RunPage): void {
    for (const listener of this.listeners) listener('entries', page);
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

/** A client that takes one frame for each call of `nextText`. */
class OneByOne implements FrameTarget {
  readonly #follower: RunFollower;
  #isOver = false;
  #settle: { resolve: (text: string | undefined) => void; reject: (error: unknown) => void } | undefined;
  #goOn: (() => void) | undefined;

  constructor(follower: RunFollower) {
    this.#follower = follower;
  }

  take(): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) return resolve(undefined);
      this.#settle = { resolve, reject };
      if (this.#goOn === undefined) this.#follower.sendTo(this);
      else this.#goOn();
    });
  }

  next({ bytes }: SseFrame): void {
    this.#settle?.resolve(bytes.toString());
    this.#settle = undefined;
  }

  untilFree(): Promise<void> {
    return new Promise((resolve) => (this.#goOn = resolve));
  }

  error(error: unknown): void {
    this.#settle?.reject(error);
  }

  complete(): void {
    this.#isOver = true;
    this.#settle?.resolve(undefined);
  }
}

const clients = new WeakMap<RunFollower, OneByOne>();
const nextText = (follower: RunFollower): Promise<string | undefined> => {
  let client = clients.get(follower);
  if (client === undefined) clients.set(follower, (client = new OneByOne(follower)));
  return client.take();
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

  it('takes entries that come with a change, without a read, where they come next for a client that waits', async () => {
    run.add('1');
    const follower = follow();
    await nextText(follower);
    let waiting = nextText(follower);
    await new Promise(setImmediate);
    run.push('2', '3');
    expect(await waiting).toBe(`data: 2\nid: 3.${EPOCH}.2\n\ndata: 3\nid: 3.${EPOCH}.3\n\n`);
    // Its client waits for nothing: they are read at its pace.
    run.push('4');
    run.push('5');
    expect(run.reads).toHaveLength(1);
    expect(await nextText(follower)).toBe(`data: 4\nid: 3.${EPOCH}.4\n\ndata: 5\nid: 3.${EPOCH}.5\n\n`);
    expect(run.reads).toHaveLength(2);
    waiting = nextText(follower);
    await new Promise(setImmediate);
    run.push('6');
    expect(await waiting).toContain('data: 6');
    expect(run.reads).toHaveLength(2);
    follower.stop();
  });

  it.each<[string, (page: RunPage) => RunPage]>([
    ['leave out an entry', (page) => ({ ...page, firstIndex: page.firstIndex + 1 })],
    ['repeat an entry', (page) => ({ ...page, firstIndex: page.firstIndex - 1 })],
    ['are of another execution', (page) => ({ ...page, record: { ...page.record, epoch: 'f'.repeat(16) } })],
  ])('reads in place of entries that %s', async (_name, changed) => {
    run.add('1');
    const follower = follow();
    await nextText(follower);
    const waiting = nextText(follower);
    await new Promise(setImmediate);
    const forged = encodeEntry({ data: 'forged' }, true);
    run.entries.push(encodeEntry({ data: '2' }, true));
    run.change(changed({ record: run.record(), firstIndex: 2, entries: [forged] }));
    expect(await waiting).toBe(`data: 2\nid: 3.${EPOCH}.2\n\n`);
    follower.stop();
  });

  it('reads what was missed before it takes entries that come with a change', async () => {
    run.add('1', '2');
    const follower = follow({ compact: 'concat' });
    const first = nextText(follower);
    // The first read has begun.
    run.push('3');
    expect(await first).toBe(`data: 12\nid: 3.${EPOCH}.2\n\n`);
    expect(await nextText(follower)).toBe(`data: 3\nid: 3.${EPOCH}.3\n\n`);
    follower.stop();
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
    follower.stop();
  });

  it('listens at its first read, so that one that is never read leaves nothing behind', async () => {
    const follower = follow({ ready: true });
    expect(await nextText(follower)).toContain('sse:ready');
    expect(run.listeners.size).toBe(0);
    follower.stop();
    expect([await nextText(follower), closed]).toEqual([undefined, 0]);
  });

  it('tells a gap before events that were let go, once', async () => {
    run.add('1', '2', '3');
    run.firstKept = 3;
    const follower = follow();
    expect(await nextText(follower)).toContain('"reason":"trimmed"');
    expect(await nextText(follower)).toContain('data: 3');
    expect(gaps).toEqual(['trimmed']);
    follower.stop();
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
    await expect(nextText(follow({ control: false }))).rejects.toThrow('failed');
    run.state = 'done';
    expect(await nextText(follow({ control: false }))).toBeUndefined();
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
