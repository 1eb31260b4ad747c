import { jest } from '@jest/globals';
import type { Position } from '../../../protocol/position.js';
import { RoomMessage } from '../../../protocol/room-message.js';
import type { HistoryPage, HistoryPolicy } from '../../broker.interface.js';
import { Deferred } from '../link/deferred.js';
import { LocalRooms } from '../feed/local-rooms.js';
import { RecentEvents } from './recent-events.js';
import { REUSE_MS, SharedReads } from './shared-reads.js';

const START_MS = Date.UTC(2026, 10, 25);
const START = START_MS * 1_000;
const EPOCH = '0000abcd';
const policy: HistoryPolicy = { maxBytes: 8_000, limitsOf: () => ({ maxEvents: 100, maxAgeMs: 60_000 }) };

describe('SharedReads', () => {
  let requests: { after: Position | undefined; page: Deferred<HistoryPage> }[];
  let node: { epoch: string; position: number; newestPosition: number };
  let isLive: boolean;
  let rooms: LocalRooms;
  let recent: RecentEvents;
  let reads: SharedReads;

  beforeEach(() => {
    jest.useFakeTimers({ now: START_MS });
    requests = [];
    node = { epoch: EPOCH, position: START, newestPosition: START };
    isLive = true;
    rooms = new LocalRooms((room) => recent.forget(room));
    const { maxBytes } = policy;
    recent = new RecentEvents(policy, rooms, maxBytes);
    const read = (_: readonly string[], after: Position | undefined): Promise<HistoryPage> => {
      const page = new Deferred<HistoryPage>();
      requests.push({ after, page });
      return page.promise;
    };
    reads = new SharedReads({ reader: { read }, recent, node, isLive: () => isLive, maxBytes });
    // Only Redis has events from before the subscription.
    for (const name of ['a', 'b']) rooms.acquire(name).markSubscribed(START);
  });

  afterEach(() => {
    reads.close();
    recent.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  function receive(position: number, data: string): void {
    recent.add(message(position, data));
    node.position = position;
  }

  async function reply(index: number, page: Partial<HistoryPage>): Promise<void> {
    const emptyPage = { epoch: EPOCH, position: START, messages: [], incompleteRooms: [] };
    requests[index]?.page.resolve({ ...emptyPage, ...page });
    await jest.advanceTimersByTimeAsync(0);
  }

  it('reads recent events without a request to Redis, unless the node is not live', async () => {
    receive(START + 5, 'received');
    expect(await textsOf(reads.read(['a'], START))).toEqual(['received']);
    expect(requests).toHaveLength(0);
    isLive = false;
    void reads.read(['a'], START);
    expect(requests).toHaveLength(1);
  });

  it('shares one read between concurrent calls', async () => {
    const pages = Array.from({ length: 5 }, () => reads.read(['a', 'b'], START - 10));
    await reply(0, { position: START + 1, messages: [message(START - 3, 'missed')] });
    for (const page of pages) expect(await textsOf(page)).toEqual(['missed']);
    expect(requests).toHaveLength(1);
  });

  it('extends an earlier page with the events delivered since', async () => {
    const first = reads.read(['a'], START - 10);
    const early = { messages: [message(START - 7, 'before'), message(START - 3, 'missed')] };
    await reply(0, { position: START + 1, ...early });
    await first;
    receive(START + 5, 'live');
    const page = await reads.read(['a'], START - 10);
    expect([page.position, page.epoch, page.incompleteRooms]).toEqual([START + 5, EPOCH, []]);
    expect(page.messages.map(({ data }) => data)).toEqual(['before', 'missed', 'live']);
    // Also for a later position than that of the first call.
    expect(await textsOf(reads.read(['a'], START - 7))).toEqual(['missed', 'live']);
    expect(requests).toHaveLength(1);
  });

  it('reads again for an earlier position and for other rooms', async () => {
    const first = reads.read(['a'], START - 10);
    await reply(0, { position: START + 1 });
    await first;
    void reads.read(['a'], START - 11);
    void reads.read(['b'], START - 10);
    expect(requests.map(({ after }) => after)).toEqual([START - 10, START - 11, START - 10]);
  });

  it('reads once more for all later calls if the gap after the first page cannot be filled', async () => {
    const early = reads.read(['a'], START - 10);
    // The node has advanced without recent events, because its connection was lost.
    node.position = START + 20;
    isLive = false;
    const late = [reads.read(['a'], START - 10), reads.read(['a'], START - 10)];
    await reply(0, { position: START + 19 });
    expect((await early).position).toBe(START + 19);
    expect(requests).toHaveLength(2);
    await reply(1, { position: START + 21 });
    for (const page of late) expect((await page).position).toBe(START + 21);
    expect(requests).toHaveLength(2);
  });

  it('reads each time for rooms that are not subscribed, since no events would follow the page', async () => {
    const first = reads.read(['a', 'elsewhere'], START - 10);
    await reply(0, { position: START + 1 });
    await first;
    void reads.read(['a', 'elsewhere'], START - 10);
    void reads.read(['a', 'elsewhere'], START - 10);
    expect(requests).toHaveLength(3);
  });

  it('does not reuse a page of another epoch', async () => {
    const first = reads.read(['a'], START - 10);
    await reply(0, { position: START + 1 });
    await first;
    node.epoch = '0000ffff';
    void reads.read(['a'], START - 10);
    await jest.advanceTimersByTimeAsync(0);
    expect(requests).toHaveLength(2);
  });

  it('shares a page with a gap only between calls with the same position', async () => {
    const first = reads.read(['a'], START - 10);
    const same = reads.read(['a'], START - 10);
    const later = reads.read(['a'], START - 5);
    await reply(0, { position: START + 1, incompleteRooms: ['a'] });
    for (const page of [first, same]) expect((await page).incompleteRooms).toEqual(['a']);
    expect(requests.map(({ after }) => after)).toEqual([START - 10, START - 5]);
    await reply(1, { position: START + 2 });
    expect((await later).incompleteRooms).toEqual([]);
  });

  it('does not reuse a page with an expired event', async () => {
    const first = reads.read(['a'], START - 59_500_000);
    await reply(0, { position: START + 1, messages: [message(START - 59_000_000, 'old')] });
    await first;
    jest.setSystemTime(START_MS + 1_001);
    void reads.read(['a'], START - 59_500_000);
    await jest.advanceTimersByTimeAsync(0);
    expect(requests).toHaveLength(2);
  });

  it('reuses a page for a short time, and a large page not at all', async () => {
    const first = reads.read(['a'], START - 10);
    await reply(0, { position: START + 1 });
    await first;
    await jest.advanceTimersByTimeAsync(REUSE_MS);
    const large = reads.read(['a'], START - 10);
    expect(requests).toHaveLength(2);
    await reply(1, { position: START + 2, messages: [message(START - 3, 'x'.repeat(2_000))] });
    await large;
    void reads.read(['a'], START - 10);
    expect(requests).toHaveLength(3);
  });

  it('rejects all waiting calls if the read fails, and reads again afterwards', async () => {
    const pages = [reads.read(['a'], START - 10), reads.read(['a'], START - 10)];
    const outcomes = Promise.all(pages.map((page) => page.catch((error: Error) => error.message)));
    requests[0]?.page.reject(new Error('closed'));
    expect(await outcomes).toEqual(['closed', 'closed']);
    void reads.read(['a'], START - 10);
    expect(requests).toHaveLength(2);
  });
});

function message(position: number, data: string): RoomMessage {
  return new RoomMessage(
    { data, serialized: false },
    { rooms: ['a'], epoch: EPOCH, position, replayable: true },
  );
}

async function textsOf(page: Promise<HistoryPage>): Promise<string[]> {
  return (await page).messages.map(({ data }) => data);
}
