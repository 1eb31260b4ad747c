import * as fc from 'fast-check';
import { RoomMap } from './room-map.js';

/** Names of enough rooms for several maps. */
const MANY = 9_000;

const byValue = (a: number, b: number): number => a - b;

describe('a map of rooms', () => {
  it('has the entries of a Map after the same steps, with few rooms and with many', () => {
    const step = fc.record({
      from: fc.nat({ max: MANY }),
      count: fc.constantFrom(1, 10, MANY),
      isDeleted: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const [map, expected] = [new RoomMap<number>(), new Map<string, number>()];
        for (const [value, { from, count, isDeleted }] of steps.entries()) {
          for (let n = from; n < from + count; n++) {
            const name = `room/${n}`;
            // An `expect` for each of a million names would take a minute.
            if (isDeleted && map.delete(name) !== expected.delete(name)) throw new Error(`delete: ${name}`);
            if (!isDeleted) {
              map.set(name, value);
              expected.set(name, value);
            }
          }
          expect(map.size).toBe(expected.size);
        }
        expect([...map.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
        expect([...map.values()].toSorted(byValue)).toEqual([...expected.values()].toSorted(byValue));
        const names = [...expected.keys(), 'unknown'];
        expect(names.map((name) => map.get(name))).toEqual(names.map((name) => expected.get(name)));
        expect(names.filter((name) => map.has(name))).toEqual([...expected.keys()]);
      }),
      { numRuns: 20 },
    );
  });

  it('visits no entry that was deleted meanwhile, also when the entries are spread meanwhile', () => {
    const map = new RoomMap<number>();
    for (let n = 0; n < 100; n++) map.set(`room/${n}`, n);
    const visited: number[] = [];
    for (const value of map.values()) {
      visited.push(value);
      if (value === 10) for (let n = 50; n < 60; n++) map.delete(`room/${n}`);
      if (value !== 70) continue;
      for (let n = 100; n < MANY; n++) map.set(`room/${n}`, n);
      for (let n = 80; n < 90; n++) map.delete(`room/${n}`);
    }
    expect(visited.slice(0, 61)).toEqual([
      ...Array.from({ length: 50 }, (_, n) => n),
      ...Array.from({ length: 11 }, (_, n) => n + 60),
    ]);
    expect(visited.filter((n) => n >= 80 && n < 90)).toEqual([]);
    expect(map.size).toBe(MANY - 20);
  });

  it('keeps the order of few rooms, and is empty once it is cleared', () => {
    const map = new RoomMap<number>();
    for (const name of ['c', 'a', 'b']) map.set(name, 1);
    expect([...map.keys()]).toEqual(['c', 'a', 'b']);
    map.clear();
    expect([map.size, [...map.keys()], map.get('a')]).toEqual([0, [], undefined]);
  });
});
