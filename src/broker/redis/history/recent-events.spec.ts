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

describe('what a node remembers of what it has delivered', () => {
  let rooms: LocalRooms;
  let recent: RecentEvents;
  let position: number;
  let limits: { maxEvents: number; maxAgeMs: number };
  let policy: HistoryPolicy;

  beforeEach(() => {
    jest.useFakeTimers({ now: START_MS });
    position = START;
    limits = { maxEvents: 100, maxAgeMs: 600_000 };
    begin();
  });

  afterEach(() => {
    recent.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  function begin(maxBytes = 1e9): void {
    policy = { maxBytes, limitsOf: (room) => room !== 'unkept' && limits };
    rooms = new LocalRooms((room) => recent.forget(room));
    recent = new RecentEvents(policy, rooms, maxBytes);
  }

  function follow(...names: string[]): void {
    for (const name of names) rooms.acquire(name).markSubscribed(position);
  }

  /** @returns the event's position */
  function hear(of: string | string[], data: string, previous?: number[]): number {
    position = Math.max(position + 1, nowUs());
    const delivery = { rooms: [of].flat(), epoch: EPOCH, position, replayable: true };
    recent.add(new RoomMessage({ data, serialized: false }, delivery), previous);
    return position;
  }

  /** The texts; `ask` where Redis has to be asked. */
  function read(of: string[], after: number): string[] | 'ask' {
    const page = recent.read(of, after, { epoch: EPOCH, position, newest: position });
    if (page === undefined) return 'ask';
    expect([page.epoch, page.position, page.incompleteRooms]).toEqual([EPOCH, position, []]);
    return page.messages.map(({ data }) => data);
  }

  it('gives what came after a position, in order, an event of several rooms once', () => {
    follow('a', 'b', 'c');
    const first = hear('a', '1');
    hear(['b', 'a', 'elsewhere'], '2');
    hear('c', '3');
    expect(read(['a', 'b', 'a'], START)).toEqual(['1', '2']);
    expect(read(['b', 'a', 'c'], first)).toEqual(['2', '3']);
    expect(read(['a'], position)).toEqual([]);
  });

  it('has Redis asked for a time before the room was followed, and for a room that is not', () => {
    follow('a');
    hear('a', '1');
    follow('late');
    expect(read(['late'], position)).toEqual([]);
    expect(read(['late'], position - 1)).toBe('ask');
    hear(['a', 'late'], '2');
    expect(read(['a', 'late'], START)).toBe('ask');
    expect(read(['a', 'late'], position - 1)).toEqual(['2']);
    expect(read(['a', 'never followed'], position)).toBe('ask');
    rooms.acquire('wanted, not followed yet');
    expect(read(['wanted, not followed yet'], position)).toBe('ask');
  });

  it('has Redis asked for a position that this node has not reached', () => {
    follow('a');
    hear('a', '1');
    expect(read(['a'], position + 1)).toBe('ask');
  });

  it('has Redis asked across an event that was not heard', () => {
    follow('a', 'b');
    const first = hear('a', '1', [0]);
    const lost = position + 5;
    position += 9;
    const next = hear(['a', 'b'], '2', [lost, START]);
    expect(read(['a'], first)).toBe('ask');
    expect(read(['a'], lost)).toEqual(['2']);
    expect(read(['b'], first)).toEqual(['2']);
    expect(read(['a'], next)).toEqual([]);
  });

  it('drops the oldest over the number of events, and says so by having Redis asked', () => {
    limits = { maxEvents: 3, maxAgeMs: 600_000 };
    follow('a');
    const positions = ['1', '2', '3', '4', '5'].map((data) => hear('a', data));
    expect(read(['a'], positions[0] as number)).toBe('ask');
    expect(read(['a'], positions[1] as number)).toEqual(['3', '4', '5']);
  });

  it('drops the oldest of all rooms over the bytes of the node', () => {
    recent.close();
    begin(5_450);
    follow('quiet', 'busy');
    const quiet = hear('quiet', 'x'.repeat(300));
    const [first] = ['1', '2', '3', '4', '5'].map((data) => hear('busy', data));
    expect(read(['quiet'], START)).toEqual(['x'.repeat(300)]);
    hear('busy', '6');
    hear('busy', 'y'.repeat(300));
    expect(read(['quiet'], START)).toBe('ask');
    expect(read(['quiet'], quiet)).toEqual([]);
    expect(read(['busy'], first as number)).not.toBe('ask');
    hear('busy', 'larger than all'.repeat(1_000));
    expect(read(['busy'], position - 1)).toBe('ask');
    expect(read(['busy'], position)).toEqual([]);
  });

  it('drops what is too old, and asks for what Redis may have forgotten', () => {
    limits = { maxEvents: 100, maxAgeMs: 10_000 };
    follow('a', 'silent');
    const first = hear('a', '1');
    jest.setSystemTime(START_MS + 10_000);
    expect(read(['a'], START)).toEqual(['1']);
    jest.setSystemTime(START_MS + 10_001);
    expect(read(['a'], START)).toBe('ask');
    expect(read(['a', 'silent'], first)).toEqual([]);
    jest.setSystemTime(START_MS + 20_000);
    expect(read(['silent'], START)).toBe('ask');
  });

  it('lets go of old events in silence, and still knows where they ended', () => {
    limits = { maxEvents: 100, maxAgeMs: 10_000 };
    follow('a');
    const messages = new Set<string>();
    const first = hear('a', '1');
    jest.advanceTimersByTime(60_000);
    const second = hear('a', '2');
    for (const text of read(['a'], second - 1)) messages.add(text);
    expect([...messages]).toEqual(['2']);
    expect(read(['a'], first)).toBe('ask');
  });

  it('knows nothing of a room any more that is not followed any more', () => {
    follow('a');
    const first = hear('a', '1');
    rooms.release('a');
    hear('a', 'while it lingers');
    expect(read(['a'], first)).toEqual(['while it lingers']);
    jest.advanceTimersByTime(LINGER_MS);
    rooms.takeIdle(10);
    expect(read(['a'], first)).toBe('ask');
    hear('a', 'unheard');
    follow('a');
    expect(read(['a'], first)).toBe('ask');
    expect(read(['a'], position)).toEqual([]);
  });

  it('begins a room anew where what came before is not whole', () => {
    follow('a', 'b');
    const first = hear(['a', 'b'], '1');
    position += 100;
    recent.restart(rooms.acquire('a'), position);
    expect(read(['a'], first)).toBe('ask');
    expect(read(['b'], first)).toEqual([]);
    hear('a', '2');
    expect(read(['a'], first)).toBe('ask');
    expect(read(['a'], first + 100)).toEqual(['2']);
  });

  it('passes over rooms that are not remembered', () => {
    follow('a', 'unkept');
    hear(['a', 'unkept'], '1');
    expect(read(['unkept'], START)).toEqual([]);
    expect(read(['unkept'], 0)).toEqual([]);
    expect(read(['unkept', 'a'], START)).toEqual(['1']);
  });

  it('whatever is heard, missed and forgotten: what it gives is all there was', () => {
    const names = ['a', 'b', 'c'];
    const step = fc.record({
      rooms: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
      size: fc.nat({ max: 400 }),
      /** What happens to the event, and to the first of its rooms before. */
      fate: fc.constantFrom('heard', 'heard', 'heard', 'missed', 'read', 'left'),
      passesMs: fc.constantFrom(0, 0, 1, 300),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat({ max: 39 }), (steps, standsAt) => {
        recent.close();
        limits = { maxEvents: 6, maxAgeMs: 1_000 };
        begin(6_000);
        follow(...names);
        const last = new Map<string, number>();
        const log: { rooms: string[]; text: string; position: number; atUs: number }[] = [];
        let from = position;
        for (const [n, { rooms: of, size, fate, passesMs }] of steps.entries()) {
          jest.advanceTimersByTime(passesMs);
          const [name] = of as [string];
          if (fate === 'left') {
            rooms.release(name);
            jest.advanceTimersByTime(LINGER_MS);
            rooms.takeIdle(10);
          }
          const text = `${n}${'x'.repeat(size)}`;
          const previous = of.map((room) => last.get(room) ?? 0);
          if (fate === 'missed') position = Math.max(position + 1, nowUs());
          // History has it, and says nothing of what came before.
          else hear(of, text, fate === 'read' ? undefined : previous);
          for (const room of of) last.set(room, position);
          log.push({ rooms: of, text, position, atUs: nowUs() });
          if (fate === 'left') follow(name);
          // A hole that was read over has been mended, or the room begins anew.
          if (fate === 'missed') for (const room of of) recent.restart(rooms.acquire(room), position);
          if (n === standsAt) from = position;
          for (const room of names) {
            const given = read([room], from);
            const owed = log.filter((one) => one.rooms.includes(room) && one.position > from);
            if (given !== 'ask') expect(given).toEqual(owed.map((one) => one.text));
          }
        }
      }),
    );
  });
});
