import fc from 'fast-check';
import { endOf } from './end-plan.js';

const plans = fc
  .record({ endless: fc.nat(200), finite: fc.nat(200) })
  .filter(({ endless, finite }) => endless + finite > 0);

describe('the plan of a drain', () => {
  it('spreads the ends over the whole window, and never more than twice as dense as evenly', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const total = plan.endless + plan.finite;
        const ends = Array.from({ length: total }, (_, index) => endOf(plan, index));
        expect(ends.at(-1)).toBeCloseTo(1);
        for (const [index, end] of ends.entries())
          expect(end - (ends[index - 1] ?? 0)).toBeGreaterThanOrEqual(0.5 / total);
      }),
    );
  });

  it('ends streams of one kind evenly', () => {
    for (const plan of [
      { endless: 4, finite: 0 },
      { endless: 0, finite: 4 },
    ])
      expect([0, 1, 2, 3].map((index) => endOf(plan, index))).toEqual([0.25, 0.5, 0.75, 1]);
  });

  it('leaves the finite streams more time, at the end', () => {
    const plan = { endless: 2, finite: 2 };
    expect([0, 1, 2, 3].map((index) => endOf(plan, index))).toEqual([1 / 3, 2 / 3, 5 / 6, 1]);
  });
});
