import type { HistoryPart, PageRequest } from './history-page.js';
import { ReadBatches } from './read-batches.js';

const LIMITS = { maxEvents: 100, maxAgeMs: 60_000 };
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const requestOf = (room: string, rooms = 1): PageRequest => ({
  rooms: Array.from({ length: rooms }, (_, n) => ({ room: `${room}${n}`, limits: LIMITS })),
  after: 10,
  until: undefined,
  maxBytes: 1_000,
});

/** A page that names the first room of its request. */
const pageOf = ({ rooms }: PageRequest): HistoryPart => ({
  epoch: 'e',
  position: 20,
  cut: undefined,
  rooms: rooms.slice(0, 1).map((room) => ({ ...room, entries: [], lostUpTo: undefined })),
});
const nameOf = (page: HistoryPart): string | undefined => page.rooms[0]?.room;

describe('ReadBatches', () => {
  it('reads the pages that are requested in one turn with one call, and gives each request its own', async () => {
    const calls: number[] = [];
    const batches = new ReadBatches(async (requests) => {
      calls.push(requests.length);
      return requests.map(pageOf);
    });
    const pages = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        await Promise.resolve();
        return batches.read(requestOf(name), undefined);
      }),
    );
    expect(pages.map(nameOf)).toEqual(['a0', 'b0', 'c0']);
    expect(nameOf(await batches.read(requestOf('d'), undefined))).toBe('d0');
    expect(calls).toEqual([3, 1]);
  });

  it('reads at most 200 rooms with one call, but a request of more with a call of its own', async () => {
    const calls: number[] = [];
    const batches = new ReadBatches(async (requests) => {
      calls.push(requests.reduce((sum, { rooms }) => sum + rooms.length, 0));
      return requests.map(pageOf);
    });
    await Promise.all([150, 50, 1, 300, 3].map((rooms) => batches.read(requestOf('a', rooms), undefined)));
    expect(calls).toEqual([200, 1, 300, 3]);
  });

  it('reads with further calls what the first one had no bytes left for', async () => {
    const calls: string[][] = [];
    const batches = new ReadBatches(async (requests) => {
      calls.push(requests.map(({ rooms }) => rooms[0]?.room ?? ''));
      return requests.slice(0, 2).map(pageOf);
    });
    const pages = await Promise.all(['a', 'b', 'c'].map((name) => batches.read(requestOf(name), undefined)));
    expect(pages.map(nameOf)).toEqual(['a0', 'b0', 'c0']);
    expect(calls).toEqual([['a0', 'b0', 'c0'], ['c0']]);
  });

  it('reads each page alone after a call that failed, so that only the page with the cause fails', async () => {
    const batches = new ReadBatches(async (requests) => {
      if (requests.some(({ rooms }) => rooms[0]?.room === 'b0')) throw new Error('refused');
      return requests.map(pageOf);
    });
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) => batches.read(requestOf(name), undefined)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('ends the wait of a request that is cancelled at once, and that of the call with the last of them', async () => {
    let ofCall: AbortSignal | undefined;
    const batches = new ReadBatches(async (_, signal) => {
      ofCall = signal;
      return new Promise((__, reject) => signal?.addEventListener('abort', () => reject(new Error('ended'))));
    });
    const [one, two] = [new AbortController(), new AbortController()];
    const reads = [one, two].map(({ signal }) => batches.read(requestOf('a'), signal));
    await nextTurn();
    one.abort(new Error('one'));
    await expect(reads[0]).rejects.toThrow('one');
    expect(ofCall?.aborted).toBe(false);
    two.abort(new Error('two'));
    await expect(reads[1]).rejects.toThrow('two');
    expect(ofCall?.aborted).toBe(true);
  });

  it('does not read what is cancelled before the end of its turn', async () => {
    let calls = 0;
    const batches = new ReadBatches(async (requests) => {
      calls++;
      return requests.map(pageOf);
    });
    const cancelled = new AbortController();
    const read = batches.read(requestOf('a'), cancelled.signal);
    cancelled.abort(new Error('cancelled'));
    await expect(read).rejects.toThrow('cancelled');
    await nextTurn();
    expect(calls).toBe(0);
  });
});
