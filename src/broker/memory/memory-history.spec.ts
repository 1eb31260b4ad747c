import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { jest } from '@jest/globals';
import * as fc from 'fast-check';
import { RoomMessage } from '../../protocol/room-message.js';
import type { HistoryPolicy, RoomHistoryLimits } from '../broker.interface.js';
import { MemoryHistory } from './memory-history.js';
import { QuietRooms } from './quiet-rooms.js';

const START_MS = Date.UTC(2026, 10, 23);
/** Approximate bytes of one small event; see ENTRY_OVERHEAD_BYTES. */
const EVENT_BYTES = 802;

interface Policy extends HistoryPolicy {
  readonly maxBytes: number;
}

function policy(given: Partial<RoomHistoryLimits> & { maxBytes?: number; forgets?: string[] } = {}): Policy {
  const { maxBytes = 1e9, forgets = [], ...limits } = given;
  return {
    maxBytes,
    limitsOf: (room) => !forgets.includes(room) && { maxEvents: 100, maxAgeMs: 600_000, ...limits },
  };
}

let position = 0;

function message(rooms: string | string[], data = 'x'): RoomMessage {
  position = Math.max(position + 1, Date.now() * 1_000);
  return new RoomMessage(
    { event: undefined, data, serialized: false },
    { rooms: [rooms].flat(), epoch: '00000000', position, replayable: true },
  );
}

function now(): number {
  return Math.max(position, Date.now() * 1_000);
}

describe('MemoryHistory', () => {
  let history: MemoryHistory;
  /** The position of a client that has received nothing yet. */
  let beginning: number;

  beforeEach(() => {
    jest.useFakeTimers({ now: START_MS });
    position = 0;
    beginning = START_MS * 1_000 - 1;
  });
  afterEach(() => {
    history.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  function add(rooms: string | string[], data?: string): RoomMessage {
    const added = message(rooms, data);
    history.add(added);
    return added;
  }

  function after(rooms: string[], at = beginning): { data: string[]; incomplete: string[] } {
    const { messages, incompleteRooms } = history.after(rooms, at, now());
    return { data: messages.map(({ data }) => data), incomplete: incompleteRooms };
  }

  it('returns the events of several rooms in order, each once', () => {
    history = new MemoryHistory(policy());
    add('a', '1');
    add('b', '2');
    add(['a', 'b', 'c'], '3');
    add('c', '4');
    add('a', '5');
    expect(after(['b', 'a'])).toEqual({ data: ['1', '2', '3', '5'], incomplete: [] });
    expect(after(['c', 'unheard of'])).toEqual({ data: ['3', '4'], incomplete: [] });
  });

  it('returns the events after a position, without the one at it', () => {
    history = new MemoryHistory(policy());
    const [first, second] = [add('a', '1'), add('a', '2')];
    expect(after(['a'], first.position)).toEqual({ data: ['2'], incomplete: [] });
    expect(after(['a'], second.position)).toEqual({ data: [], incomplete: [] });
  });

  it('stores maxEvents per room, and reports a room with trimmed events as incomplete', () => {
    history = new MemoryHistory(policy({ maxEvents: 3 }));
    const positions = ['1', '2', '3', '4', '5'].map((data) => add('busy', data).position);
    add('quiet', 'q');
    expect(after(['busy', 'quiet'])).toEqual({ data: ['3', '4', '5', 'q'], incomplete: ['busy'] });
    expect(after(['busy'], positions[0])).toEqual({ data: ['3', '4', '5'], incomplete: ['busy'] });
    expect(after(['busy'], positions[1])).toEqual({ data: ['3', '4', '5'], incomplete: [] });
  });

  it('stores an event for maxAgeMs, and its position for twice as long', () => {
    history = new MemoryHistory(policy({ maxAgeMs: 10_000 }));
    const received = add('a', 'received').position;
    add('a', 'missed');
    jest.setSystemTime(START_MS + 10_000);
    expect(after(['a'], received)).toEqual({ data: ['missed'], incomplete: [] });
    jest.setSystemTime(START_MS + 10_001);
    expect(after(['a'], received)).toEqual({ data: [], incomplete: ['a'] });
    jest.setSystemTime(START_MS + 19_999);
    expect(after(['a'], received)).toEqual({ data: [], incomplete: ['a'] });
    // By then the room may be forgotten, and a read from so old a position reports a gap.
    jest.advanceTimersByTime(60_000);
    expect(after(['a'], received)).toEqual({ data: [], incomplete: ['a'] });
    expect(after(['a'], now() - 1)).toEqual({ data: [], incomplete: [] });
  });

  it('stores at most maxBytes over all rooms: the oldest events are dropped first', () => {
    history = new MemoryHistory(policy({ maxBytes: 3 * EVENT_BYTES + 3 }));
    for (const [room, data] of [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['a', '4'],
      ['b', '5'],
    ] as const)
      add(room, data);
    expect(after(['a', 'b', 'c'])).toEqual({ data: ['3', '4', '5'], incomplete: ['a', 'b'] });
    add('d', 'x'.repeat(EVENT_BYTES * 2));
    expect(after(['a', 'b', 'c', 'd']).incomplete).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each([
    ['one byte a character, in the string and in the frame', 'x', 1 + 1],
    ['two in the string, and two in the frame', 'ж', 2 + 2],
    ['two in the string, and three in the frame', '漢', 2 + 3],
  ])('counts text by what it takes: %s', (_text, character, bytes) => {
    const data = character.repeat(10_000);
    const eventBytes = EVENT_BYTES - 2 + 10_000 * bytes;
    for (const [maxBytes, remembered] of [
      // The name of the room counts one byte.
      [2 * eventBytes + 1, 2],
      [2 * eventBytes, 1],
    ] as const) {
      history = new MemoryHistory(policy({ maxBytes }));
      for (let n = 0; n < 3; n++) add('a', data);
      expect(after(['a']).data).toHaveLength(remembered);
      history.close();
    }
  });

  it('returns nothing for rooms without history, and does not report them as incomplete', () => {
    history = new MemoryHistory(policy({ forgets: ['a'] }));
    add(['a', 'b'], '1');
    add('a', '2');
    expect(after(['a', 'b'])).toEqual({ data: ['1'], incomplete: [] });
    expect([history.keepsHistoryOf('a'), history.keepsHistoryOf('b'), history.keepsHistoryOf('new')]).toEqual(
      [false, true, true],
    );
  });

  it('returns the newest events of each room, without expired ones', () => {
    history = new MemoryHistory(policy({ maxAgeMs: 10_000 }));
    add('a', '1');
    jest.setSystemTime(START_MS + 10_001);
    for (const data of ['2', '3', '4']) add('a', data);
    add(['a', 'b'], '5');
    const newest = (rooms: string[], count: number): string[] =>
      history.newest(rooms, count).messages.map(({ data }) => data);
    expect(newest(['a'], 2)).toEqual(['4', '5']);
    expect(newest(['a'], 100)).toEqual(['2', '3', '4', '5']);
    expect(newest(['a', 'b'], 2)).toEqual(['4', '5']);
    expect([newest(['a'], 0), newest(['none'], 3)]).toEqual([[], []]);
  });

  it('the sweep removes expired events and rooms, and then stops its timer', () => {
    history = new MemoryHistory(policy({ maxAgeMs: 10_000 }));
    expect(jest.getTimerCount()).toBe(0);
    for (let n = 0; n < 50; n++) add(`room ${n}`);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(30_000);
    expect(jest.getTimerCount()).toBe(0);
    add('again');
    expect(jest.getTimerCount()).toBe(1);
  });

  it('stays within its limits, in order, and reports every gap, for random events', () => {
    const published = fc.array(
      fc.record({
        rooms: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
        size: fc.nat({ max: 500 }),
        passesMs: fc.constantFrom(0, 0, 0, 1, 400, 1_500),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(published, fc.nat({ max: 29 }), (events, startsAt) => {
        history = new MemoryHistory(policy({ maxEvents: 4, maxAgeMs: 2_000, maxBytes: 8 * EVENT_BYTES }));
        const sent: RoomMessage[] = [];
        const startPosition = now();
        let from = startPosition;
        for (const [n, { rooms, size, passesMs }] of events.entries()) {
          jest.advanceTimersByTime(passesMs);
          sent.push(add(rooms, 'x'.repeat(size)));
          if (n === startsAt) from = position;
        }
        for (const room of ['a', 'b', 'c']) {
          const { messages, incompleteRooms } = history.after([room], from, now());
          const owed = sent.filter((each) => each.rooms.includes(room) && each.position > from);
          expect(messages).toEqual(owed.slice(owed.length - messages.length));
          expect(messages.length).toBeLessThanOrEqual(4);
          if (messages.length < owed.length) expect(incompleteRooms).toEqual([room]);
        }
        const all = history.newest(['a', 'b', 'c'], 100).messages;
        expect(all.length).toBeLessThanOrEqual(12);
        history.close();
      }),
    );
  });
});

describe('quiet rooms of MemoryHistory', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: START_MS });
    position = 0;
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('are inside maxBytes: the rooms that have been quiet for longest are forgotten first', () => {
    const history = new MemoryHistory(policy({ maxAgeMs: 10_000, maxBytes: 20_000 }));
    const received = START_MS * 1_000 - 1;
    for (let n = 0; n < 20; n++) history.add(message(`early ${n}`));
    const between = position;
    jest.advanceTimersByTime(10);
    for (let n = 0; n < 100; n++) history.add(message(`late ${n}`));
    jest.advanceTimersByTime(11_000);
    const incomplete = (name: string, after: number): number =>
      history.after(
        Array.from({ length: 100 }, (_, n) => `${name} ${n}`),
        after,
        now(),
      ).incompleteRooms.length;
    expect(incomplete('early', received)).toBe(100);
    // A client that has received what the forgotten rooms had is sent no gap for those that had nothing since.
    expect(history.after(['early 1', 'unknown'], now() - 1, now()).incompleteRooms).toEqual([]);
    expect(incomplete('late', between)).toBe(100);
    history.close();
  });

  const opened = fc.array(
    fc.record({
      room: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      passesMs: fc.constantFrom(0, 0, 1, 700, 1_500),
    }),
    { minLength: 5, maxLength: 40 },
  );

  /** Fails where a read from some position lacks an event and does not report its room. */
  function checkReports(): void {
    fc.assert(
      fc.property(opened, fc.nat({ max: 39 }), (events, startsAt) => {
        const history = new MemoryHistory(policy({ maxAgeMs: 1_000, maxBytes: 2_100 }));
        const sent: RoomMessage[] = [];
        let from = now();
        for (const [n, { room, passesMs }] of events.entries()) {
          jest.advanceTimersByTime(passesMs);
          const next = message(room);
          history.add(next);
          sent.push(next);
          if (n === startsAt) from = position;
        }
        for (const room of ['a', 'b', 'c', 'd', 'e', 'f']) {
          const { messages, incompleteRooms } = history.after([room], from, now());
          const owed = sent.filter((each) => each.rooms.includes(room) && each.position > from);
          if (messages.length < owed.length) expect(incompleteRooms).toEqual([room]);
          expect(messages).toEqual(owed.slice(owed.length - messages.length));
        }
        history.close();
      }),
      { numRuns: 300 },
    );
  }

  it('that are forgotten are reported, for random events', checkReports);

  it('that are forgotten without a trace are found by that property', () => {
    jest.spyOn(QuietRooms.prototype, 'forgottenUpTo', 'get').mockReturnValue(0);
    expect(checkReports).toThrow();
  });
});

describe('events retained by MemoryHistory', () => {
  let collectGarbage: () => void;

  beforeAll(() => {
    setFlagsFromString('--expose-gc');
    collectGarbage = runInNewContext('gc') as () => void;
  });

  /** How many of the messages are still in memory. */
  async function alive(messages: readonly WeakRef<RoomMessage>[]): Promise<number> {
    // References made in this turn are held until its end.
    await new Promise((resolve) => setTimeout(resolve, 5));
    collectGarbage();
    return messages.filter((each) => each.deref() !== undefined).length;
  }

  it.each([
    [
      'a quiet room at the head and a busy one',
      policy({ maxEvents: 10 }),
      (n: number) => (n < 5 ? 'quiet' : 'busy'),
      15,
    ],
    [
      'few large events over many rooms',
      policy({ maxBytes: 20 * EVENT_BYTES }),
      (n: number) => `room ${n % 200}`,
      20,
    ],
    ['every room with one event', policy({ maxEvents: 1 }), (n: number) => `room ${n % 10}`, 10],
  ])('%s: no event besides the stored ones', async (_name, limits, roomOf, remembered) => {
    const history = new MemoryHistory(limits);
    const messages: WeakRef<RoomMessage>[] = [];
    for (let n = 0; n < 3_000; n++) {
      const next = message(roomOf(n));
      messages.push(new WeakRef(next));
      history.add(next);
    }
    // The last one may still be in a register.
    expect(await alive(messages)).toBeLessThanOrEqual(remembered + 1);
    history.close();
    expect(await alive(messages)).toBeLessThanOrEqual(1);
  });
});
