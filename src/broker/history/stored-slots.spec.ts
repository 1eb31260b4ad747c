import fc from 'fast-check';
import type { RoomHistory } from '../room-history.js';
import { StoredSlots, type HistorySlot } from './stored-slots.js';

/** A room whose events before `oldestPosition` were dropped, as far as the list of slots reads it. */
function roomFrom(oldestPosition: number): RoomHistory {
  return { oldest: { message: { position: oldestPosition } } } as RoomHistory;
}

const drained = (slots: StoredSlots): HistorySlot[] => {
  const all: HistorySlot[] = [];
  for (let slot = slots.oldest; slot !== undefined; slot = slots.oldest) {
    all.push(slot);
    slots.shift();
  }
  return all;
};

describe('the slots of stored events', () => {
  it('are in the order of their age, and only those of dropped events are removed', () => {
    const step = fc.oneof(
      fc.record({ push: fc.integer({ min: 1, max: 1_500 }), dropEvery: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ shift: fc.integer({ min: 1, max: 1_500 }) }),
      fc.record({ compact: fc.integer({ min: 1, max: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const [kept, dropped] = [roomFrom(0), roomFrom(Infinity)];
        const slots = new StoredSlots();
        const shifted: HistorySlot[] = [];
        let position = 0;
        for (const each of steps) {
          if ('push' in each)
            for (let n = 0; n < each.push; n++)
              slots.push({ room: n % each.dropEvery === 0 ? kept : dropped, position: ++position });
          else if ('shift' in each)
            for (let n = 0; n < each.shift && slots.oldest !== undefined; n++) {
              shifted.push(slots.oldest);
              slots.shift();
            }
          else for (let n = 0; n < each.compact; n++) slots.compact();
        }
        const size = slots.size;
        const rest = drained(slots);
        expect(rest).toHaveLength(size);
        expect(slots.size).toBe(0);
        const seen = [...shifted, ...rest].map((slot) => slot.position);
        expect(seen).toEqual(seen.toSorted((a, b) => a - b));
        const stored = [...shifted, ...rest].filter(({ room }) => room === kept).length;
        const pushed = steps.reduce(
          (sum, each) => sum + ('push' in each ? Math.ceil(each.push / each.dropEvery) : 0),
          0,
        );
        expect(stored).toBe(pushed);
      }),
      { numRuns: 60 },
    );
  });

  it('of dropped events are gone once every block was compacted', () => {
    const [kept, dropped] = [roomFrom(0), roomFrom(Infinity)];
    const slots = new StoredSlots();
    for (let position = 1; position <= 5_000; position++)
      slots.push({ room: position % 10 === 0 ? kept : dropped, position });
    for (let call = 0; call < 5; call++) slots.compact();
    expect(drained(slots).map(({ position }) => position)).toEqual(
      Array.from({ length: 500 }, (_, n) => (n + 1) * 10),
    );
  });
});
