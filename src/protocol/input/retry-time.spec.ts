import fc from 'fast-check';
import { SseError } from '../sse-error.js';
import { checkRetryTime, drawRetry, spreadRetry } from './retry-time.js';

const time = fc.integer({ min: 0, max: 86_400_000 });
const range = fc.tuple(time, time).map(([a, b]) => ({ minMs: Math.min(a, b), maxMs: Math.max(a, b) }));

describe('a reconnection time', () => {
  it('is a whole number of milliseconds, or a range of them', () => {
    fc.assert(
      fc.property(fc.oneof(time, range), (value) => {
        expect(checkRetryTime(value)).toBe(value);
      }),
    );
  });

  it.each([
    -1,
    1.5,
    NaN,
    Infinity,
    '3000',
    null,
    [1, 2],
    {},
    { minMs: 1 },
    { minMs: 2, maxMs: 1 },
    { minMs: -1, maxMs: 1 },
    { minMs: 0, maxMs: 1.5 },
    { minMs: 0, maxMs: Infinity },
    { minMs: 0, maxMs: 1, step: 1 },
  ])('is refused where it is %j', (value) => {
    expect(() => checkRetryTime(value)).toThrow(SseError);
    expect(() => checkRetryTime(value)).toThrow(/0 to \d+, or \{ minMs, maxMs \}/);
  });

  it('of a client lies within the range, and takes each value of it', () => {
    fc.assert(
      fc.property(range, ({ minMs, maxMs }) => {
        for (const draw of [drawRetry({ minMs, maxMs }), spreadRetry({ minMs, maxMs })] as number[]) {
          expect(Number.isSafeInteger(draw)).toBe(true);
          expect(draw).toBeGreaterThanOrEqual(minMs);
          expect(draw).toBeLessThanOrEqual(maxMs);
        }
      }),
    );
    const draws = new Set(Array.from({ length: 400 }, () => drawRetry({ minMs: 5, maxMs: 8 })));
    expect(draws).toEqual(new Set([5, 6, 7, 8]));
  });

  it('that is fixed is drawn as it is, and spread by half of it', () => {
    fc.assert(
      fc.property(time, (fixed) => {
        expect(drawRetry(fixed)).toBe(fixed);
        const spread = spreadRetry(fixed) as number;
        expect(Math.abs(spread - fixed)).toBeLessThanOrEqual(fixed / 2 + 1);
      }),
    );
    expect([spreadRetry(0), spreadRetry(false), drawRetry(false)]).toEqual([0, false, false]);
    expect(new Set(Array.from({ length: 100 }, () => spreadRetry(3_000))).size).toBeGreaterThan(50);
  });
});
