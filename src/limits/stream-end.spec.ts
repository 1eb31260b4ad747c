import fc from 'fast-check';
import { streamEnd } from './stream-end.js';

const times = (count: number): undefined[] => Array.from({ length: count });

describe('streamEnd', () => {
  it('ends a stream before its client expires, never after, and at most a minute before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 501, max: 2_000_000_000 }), (leftMs) => {
        const end = streamEnd(false, 5_000 + leftMs, 5_000);
        expect(end?.reason).toBe('expired');
        expect(leftMs - (end?.delayMs ?? 0)).toBeGreaterThanOrEqual(250);
        expect(leftMs - (end?.delayMs ?? 0)).toBeLessThanOrEqual(
          Math.max(502, Math.min(leftMs / 10, 60_000) + 252),
        );
      }),
    );
  });

  it('spreads the ends of clients that expire at once', () => {
    const delays = new Set(times(200).map(() => streamEnd(false, 3_600_000, 0)?.delayMs));
    expect(delays.size).toBeGreaterThan(50);
  });

  it('has no time left for a client that has expired, or will within a quarter of a second', () => {
    for (const leftMs of [-1e12, -1, 0, 1, 249])
      for (const _ of times(20))
        expect(streamEnd(false, leftMs, 0)).toEqual({ reason: 'expired', delayMs: 0 });
  });

  it('takes the earlier one of age and expiry', () => {
    expect(streamEnd(1_000, 3_600_000, 0)?.reason).toBe('max-age');
    expect(streamEnd(3_600_000, 1_000, 0)?.reason).toBe('expired');
    expect(streamEnd(1_000, undefined)?.reason).toBe('max-age');
    expect(streamEnd(false, undefined)).toBeUndefined();
  });

  it('ends a stream after the longest time of a timer where its client expires later', () => {
    expect(streamEnd(false, 1e13, 0)).toEqual({ reason: 'expired', delayMs: 2_147_483_647 });
  });
});
