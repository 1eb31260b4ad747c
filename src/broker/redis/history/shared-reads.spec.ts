import { jest } from '@jest/globals';
import type { Position } from '../../../protocol/position.js';
import { RoomMessage } from '../../../protocol/room-message.js';
import type { HistoryPage, HistoryPolicy } from '../../broker.interface.js';
import { Deferred } from '../link/deferred.js';
import { LocalRooms } from '../feed/local-rooms.js';
import { RecentEvents } from './recent-events.js';
import { KEPT_MS, SharedReads } from './shared-reads.js';

const START_MS = Date.UTC(2026, 10, 25);
const START = START_MS * 1_000;
const EPOCH = '0000abcd';
const policy: HistoryPolicy = { maxBytes: 8_000, limitsOf: () => ({ maxEvents: 100, maxAgeMs: 60_000 }) };

describe('asking Redis once for what many ask', () => {
  let asked: { after: Position | undefined; page: Deferred<HistoryPage> }[];
  let node: { epoch: string; position: number; newest: number };
  let isLive: boolean;
  let rooms: LocalRooms;
  let recent: RecentEvents;
  let reads: SharedReads;

  beforeEach(() => {
    jest.useFakeTimers({ now: START_MS });
    asked = [];
    node = { epoch: EPOCH, position: START, newest: START };
    isLive = true;
    rooms = new LocalRooms((room) => recent.forget(room));
    const { maxBytes } = policy;
    recent = new RecentEvents(policy, rooms, maxBytes);
    const read = (_: readonly string[], after: Position | undefined): Promise<HistoryPage> => {
      const page = new Deferred<HistoryPage>();
      asked.push({ after, page });
      return page.promise;
    };
    reads = new SharedReads({ reader: { read }, recent, node, isLive: () => isLive, maxBytes });
    // Followed from now on: what came before only Redis knows.
    for (const name of ['a', 'b']) rooms.acquire(name).markSubscribed(START);
  });

  afterEach(() => {
    reads.close();
    recent.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  function hear(position: number, data: string): void {
    recent.add(message(position, data));
    node.position = position;
  }

  async function answer(nth: number, page: Partial<HistoryPage>): Promise<void> {
    const nothing = { epoch: EPOCH, position: START, messages: [], incompleteRooms: [] };
    asked[nth]?.page.resolve({ ...nothing, ...page });
    await jest.advanceTimersByTimeAsync(0);
  }

  it('asks nothing where it knows the answer, unless it is not live', async () => {
    hear(START + 5, 'heard');
    expect(await textsOf(reads.read(['a'], START))).toEqual(['heard']);
    expect(asked).toHaveLength(0);
    isLive = false;
    void reads.read(['a'], START);
    expect(asked).toHaveLength(1);
  });

  it('gives the same answer to all who ask at the same time', async () => {
    const pages = Array.from({ length: 5 }, () => reads.read(['a', 'b'], START - 10));
    await answer(0, { position: START + 1, messages: [message(START - 3, 'missed')] });
    for (const page of pages) expect(await textsOf(page)).toEqual(['missed']);
    expect(asked).toHaveLength(1);
  });

  it('goes on from an answer with what was delivered since, for who asks later', async () => {
    const first = reads.read(['a'], START - 10);
    const early = { messages: [message(START - 7, 'before'), message(START - 3, 'missed')] };
    await answer(0, { position: START + 1, ...early });
    await first;
    hear(START + 5, 'live');
    const page = await reads.read(['a'], START - 10);
    expect([page.position, page.epoch, page.incompleteRooms]).toEqual([START + 5, EPOCH, []]);
    expect(page.messages.map(({ data }) => data)).toEqual(['before', 'missed', 'live']);
    // And for who has seen more than the first.
    expect(await textsOf(reads.read(['a'], START - 7))).toEqual(['missed', 'live']);
    expect(asked).toHaveLength(1);
  });

  it('asks again for who has seen less than the first, and for other rooms', async () => {
    const first = reads.read(['a'], START - 10);
    await answer(0, { position: START + 1 });
    await first;
    void reads.read(['a'], START - 11);
    void reads.read(['b'], START - 10);
    expect(asked.map(({ after }) => after)).toEqual([START - 10, START - 11, START - 10]);
  });

  it('asks once more, for all of them, where an answer is of before something that cannot be told', async () => {
    const early = reads.read(['a'], START - 10);
    // Delivered, and not remembered: the node was cut meanwhile.
    node.position = START + 20;
    isLive = false;
    const late = [reads.read(['a'], START - 10), reads.read(['a'], START - 10)];
    await answer(0, { position: START + 19 });
    expect((await early).position).toBe(START + 19);
    expect(asked).toHaveLength(2);
    await answer(1, { position: START + 21 });
    for (const page of late) expect((await page).position).toBe(START + 21);
    expect(asked).toHaveLength(2);
  });

  it('asks each time for rooms that are not heard here, for nothing would follow the answer', async () => {
    const first = reads.read(['a', 'elsewhere'], START - 10);
    await answer(0, { position: START + 1 });
    await first;
    void reads.read(['a', 'elsewhere'], START - 10);
    void reads.read(['a', 'elsewhere'], START - 10);
    expect(asked).toHaveLength(3);
  });

  it('does not go on from another memory', async () => {
    const first = reads.read(['a'], START - 10);
    await answer(0, { position: START + 1 });
    await first;
    node.epoch = '0000ffff';
    void reads.read(['a'], START - 10);
    await jest.advanceTimersByTimeAsync(0);
    expect(asked).toHaveLength(2);
  });

  it('tells of a gap only who asked from the same position', async () => {
    const first = reads.read(['a'], START - 10);
    const same = reads.read(['a'], START - 10);
    const later = reads.read(['a'], START - 5);
    await answer(0, { position: START + 1, incompleteRooms: ['a'] });
    for (const page of [first, same]) expect((await page).incompleteRooms).toEqual(['a']);
    expect(asked.map(({ after }) => after)).toEqual([START - 10, START - 5]);
    await answer(1, { position: START + 2 });
    expect((await later).incompleteRooms).toEqual([]);
  });

  it('does not give what has become too old meanwhile', async () => {
    const first = reads.read(['a'], START - 59_500_000);
    await answer(0, { position: START + 1, messages: [message(START - 59_000_000, 'old')] });
    await first;
    jest.setSystemTime(START_MS + 1_001);
    void reads.read(['a'], START - 59_500_000);
    await jest.advanceTimersByTimeAsync(0);
    expect(asked).toHaveLength(2);
  });

  it('keeps an answer for a short time, and a large one not at all', async () => {
    const first = reads.read(['a'], START - 10);
    await answer(0, { position: START + 1 });
    await first;
    await jest.advanceTimersByTimeAsync(KEPT_MS);
    const large = reads.read(['a'], START - 10);
    expect(asked).toHaveLength(2);
    await answer(1, { position: START + 2, messages: [message(START - 3, 'x'.repeat(2_000))] });
    await large;
    void reads.read(['a'], START - 10);
    expect(asked).toHaveLength(3);
  });

  it('rejects for all who wait where the answer is an error, and asks anew afterwards', async () => {
    const pages = [reads.read(['a'], START - 10), reads.read(['a'], START - 10)];
    const outcomes = Promise.all(pages.map((page) => page.catch((error: Error) => error.message)));
    asked[0]?.page.reject(new Error('closed'));
    expect(await outcomes).toEqual(['closed', 'closed']);
    void reads.read(['a'], START - 10);
    expect(asked).toHaveLength(2);
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
