import * as fc from 'fast-check';
import { leaksIn, type SoakSample } from './soak-judge.js';

const FLAT: SoakSample = {
  heap: 50_000_000,
  buffers: 500_000,
  handles: 5,
  listeners: 20,
  clients: 0,
  rooms: 0,
  uncounted: 0,
};

describe('the judge of the soak test', () => {
  it('finds nothing in noise around a level, also with outliers', () => {
    const noise = fc.array(fc.integer({ min: -2_000_000, max: 2_000_000 }), { minLength: 9, maxLength: 60 });
    fc.assert(
      fc.property(noise, (heaps) => {
        const samples = heaps.map((more, n) => ({
          ...FLAT,
          heap: FLAT.heap + more + (n % 9 === 4 ? 9e7 : 0),
        }));
        expect(leaksIn(samples)).toEqual([]);
      }),
    );
  });

  it.each<[keyof SoakSample, number]>([
    ['heap', 400_000],
    ['buffers', 200_000],
    ['handles', 1],
    ['listeners', 1],
  ])('finds a growth of %s by %d in each of 60 phases', (name, step) => {
    const samples = Array.from({ length: 60 }, (_, n) => ({ ...FLAT, [name]: FLAT[name] + n * step }));
    expect(leaksIn(samples)).toEqual([expect.stringContaining(name)]);
  });

  it.each(['clients', 'rooms', 'uncounted'] as const)('finds %s that are left in one phase', (name) => {
    const samples = Array.from({ length: 20 }, (_, n) => ({ ...FLAT, [name]: n === 7 ? 1 : 0 }));
    expect(leaksIn(samples)).toEqual([`${name} are left: 1`]);
  });

  it('refuses to judge too few phases', () => {
    expect(() => leaksIn([FLAT, FLAT])).toThrow('too few');
  });
});
