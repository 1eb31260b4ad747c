import { jest } from '@jest/globals';
import * as fc from 'fast-check';
import { nowUs } from '../../../protocol/position.js';
import { RoomMessage } from '../../../protocol/room-message.js';
import type { HistoryPolicy } from '../../broker.interface.js';
import { LINGER_MS, LocalRooms } from '../feed/local-rooms.js';
import { RecentEvents } from './recent-events.js';

const START_MS = Date.UTC(2026, 10, 25);
const START = START_MS * 1_000;
const EPOCH = '0000abcd';

describe('RecentEvents', () => {
  let rooms: LocalRooms;
  let recent: RecentEvents;
  let position: number;
  let limits: { maxEvents: number; maxAgeMs: number };
  let policy: HistoryPolicy;

  beforeEach(() => {
    jest.useFakeTimers({ now: START_MS });
    position = START;
    limits = { maxEvents: 100, maxAgeMs: 600_000 };
    createRecentEvents();
  });

  afterEach(() => {
    recent.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  function createRecentEvents(maxBytes = 1e9): void {
    policy = { maxBytes, limitsOf: (room) => room !== 'no history' && limits };
    rooms = new LocalRooms((room) => recent.forget(room));
    recent = new RecentEvents(policy, rooms, maxBytes);
  }

  function subscribe(...names: string[]): void {
    for (const name of names) rooms.acquire(name).markSubscribed(position);
  }

  /** @returns the event's position */
  function receive(roomNames: string | string[], data: string, previous?: number[]): number {
    position = Math.max(position + 1, nowUs());
    const delivery = { rooms: [roomNames].flat(), epoch: EPOCH, position, replayable: true };
    recent.add(new RoomMessage({ data, serialized: false }, delivery), previous);
    return position;
  }

  /** @returns the texts, or `redis` if history must be read from Redis */
  function read(roomNames: string[], after: number): string[] | 'redis' {
    const page = recent.read(roomNames, after, { epoch: EPOCH, position, newestPosition: position });
    if (page === undefined) return 'redis';
    expect([page.epoch, page.position, page.incompleteRooms]).toEqual([EPOCH, position, []]);
    return page.messages.map(({ data }) => data);
  }

  it('returns the events after a position in order, and an event of several rooms once', () => {
    subscribe('a', 'b', 'c');
    const first = receive('a', '1');
    receive(['b', 'a', 'elsewhere'], '2');
    receive('c', '3');
    expect(read(['a', 'b', 'a'], START)).toEqual(['1', '2']);
    expect(read(['b', 'a', 'c'], first)).toEqual(['2', '3']);
    expect(read(['a'], position)).toEqual([]);
  });

  it('returns undefined for a position before the subscription, and for a room without one', () => {
    subscribe('a');
    receive('a', '1');
    subscribe('late');
    expect(read(['late'], position)).toEqual([]);
    expect(read(['late'], position - 1)).toBe('redis');
    receive(['a', 'late'], '2');
    expect(read(['a', 'late'], START)).toBe('redis');
    expect(read(['a', 'late'], position - 1)).toEqual(['2']);
    expect(read(['a', 'never subscribed'], position)).toBe('redis');
    rooms.acquire('pending');
    expect(read(['pending'], position)).toBe('redis');
  });

  it('returns undefined for a position beyond that of the node', () => {
    subscribe('a');
    receive('a', '1');
    expect(read(['a'], position + 1)).toBe('redis');
  });

  it('returns undefined across an event that was not received', () => {
    subscribe('a', 'b');
    const first = receive('a', '1', [0]);
    const lost = position + 5;
    position += 9;
    const next = receive(['a', 'b'], '2', [lost, START]);
    expect(read(['a'], first)).toBe('redis');
    expect(read(['a'], lost)).toEqual(['2']);
    expect(read(['b'], first)).toEqual(['2']);
    expect(read(['a'], next)).toEqual([]);
  });

  it('drops the oldest events over the limit of events, and returns undefined for them', () => {
    limits = { maxEvents: 3, maxAgeMs: 600_000 };
    subscribe('a');
    const positions = ['1', '2', '3', '4', '5'].map((data) => receive('a', data));
    expect(read(['a'], positions[0] as number)).toBe('redis');
    expect(read(['a'], positions[1] as number)).toEqual(['3', '4', '5']);
  });

  it('drops the oldest events of all rooms over the limit of bytes', () => {
    recent.close();
    createRecentEvents(5_450);
    subscribe('quiet', 'busy');
    const quiet = receive('quiet', 'x'.repeat(300));
    const [first] = ['1', '2', '3', '4', '5'].map((data) => receive('busy', data));
    expect(read(['quiet'], START)).toEqual(['x'.repeat(300)]);
    receive('busy', '6');
    receive('busy', 'y'.repeat(300));
    expect(read(['quiet'], START)).toBe('redis');
    expect(read(['quiet'], quiet)).toEqual([]);
    expect(read(['busy'], first as number)).not.toBe('redis');
    receive('busy', 'larger than all'.repeat(1_000));
    expect(read(['busy'], position - 1)).toBe('redis');
    expect(read(['busy'], position)).toEqual([]);
  });

  it('drops expired events, and returns undefined once the last position may have expired in Redis', () => {
    limits = { maxEvents: 100, maxAgeMs: 10_000 };
    subscribe('a', 'silent');
    const first = receive('a', '1');
    jest.setSystemTime(START_MS + 10_000);
    expect(read(['a'], START)).toEqual(['1']);
    jest.setSystemTime(START_MS + 10_001);
    expect(read(['a'], START)).toBe('redis');
    expect(read(['a', 'silent'], first)).toEqual([]);
    jest.setSystemTime(START_MS + 20_000);
    expect(read(['silent'], START)).toBe('redis');
  });

  it('drops expired events of a silent room, and keeps the position after them', () => {
    limits = { maxEvents: 100, maxAgeMs: 10_000 };
    subscribe('a');
    const messages = new Set<string>();
    const first = receive('a', '1');
    jest.advanceTimersByTime(60_000);
    const second = receive('a', '2');
    for (const text of read(['a'], second - 1)) messages.add(text);
    expect([...messages]).toEqual(['2']);
    expect(read(['a'], first)).toBe('redis');
  });

  it('drops the history of an unsubscribed room', () => {
    subscribe('a');
    const first = receive('a', '1');
    rooms.release('a');
    receive('a', 'lingering');
    expect(read(['a'], first)).toEqual(['lingering']);
    jest.advanceTimersByTime(LINGER_MS);
    rooms.takeIdle(10);
    expect(read(['a'], first)).toBe('redis');
    receive('a', 'not received');
    subscribe('a');
    expect(read(['a'], first)).toBe('redis');
    expect(read(['a'], position)).toEqual([]);
  });

  it('restarts a room whose earlier history is incomplete', () => {
    subscribe('a', 'b');
    const first = receive(['a', 'b'], '1');
    position += 100;
    recent.restart(rooms.acquire('a'), position);
    expect(read(['a'], first)).toBe('redis');
    expect(read(['b'], first)).toEqual([]);
    receive('a', '2');
    expect(read(['a'], first)).toBe('redis');
    expect(read(['a'], first + 100)).toEqual(['2']);
  });

  it('skips rooms without history', () => {
    subscribe('a', 'no history');
    receive(['a', 'no history'], '1');
    expect(read(['no history'], START)).toEqual([]);
    expect(read(['no history'], 0)).toEqual([]);
    expect(read(['no history', 'a'], START)).toEqual(['1']);
  });

  it('returns complete pages for any sequence of received, missed and dropped events', () => {
    const names = ['a', 'b', 'c'];
    const step = fc.record({
      rooms: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
      size: fc.nat({ max: 400 }),
      /** `left`: the first room is unsubscribed before the event and subscribed again after it. */
      fate: fc.constantFrom('received', 'received', 'received', 'missed', 'read', 'left'),
      elapsedMs: fc.constantFrom(0, 0, 1, 300),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat({ max: 39 }), (steps, readerIndex) => {
        recent.close();
        limits = { maxEvents: 6, maxAgeMs: 1_000 };
        createRecentEvents(6_000);
        subscribe(...names);
        const last = new Map<string, number>();
        const log: { rooms: string[]; text: string; position: number; atUs: number }[] = [];
        let from = position;
        for (const [n, { rooms: roomNames, size, fate, elapsedMs }] of steps.entries()) {
          jest.advanceTimersByTime(elapsedMs);
          const [name] = roomNames as [string];
          if (fate === 'left') {
            rooms.release(name);
            jest.advanceTimersByTime(LINGER_MS);
            rooms.takeIdle(10);
          }
          const text = `${n}${'x'.repeat(size)}`;
          const previous = roomNames.map((room) => last.get(room) ?? 0);
          if (fate === 'missed') position = Math.max(position + 1, nowUs());
          // An event read from history comes without its previous positions.
          else receive(roomNames, text, fate === 'read' ? undefined : previous);
          for (const room of roomNames) last.set(room, position);
          log.push({ rooms: roomNames, text, position, atUs: nowUs() });
          if (fate === 'left') subscribe(name);
          // A catch-up restarts a room with a gap that history could not close.
          if (fate === 'missed') for (const room of roomNames) recent.restart(rooms.acquire(room), position);
          if (n === readerIndex) from = position;
          for (const room of names) {
            const returned = read([room], from);
            const expected = log.filter((event) => event.rooms.includes(room) && event.position > from);
            if (returned !== 'redis') expect(returned).toEqual(expected.map((event) => event.text));
          }
        }
      }),
    );
  });
});
