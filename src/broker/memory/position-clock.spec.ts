import { jest } from '@jest/globals';
import { PositionClock } from './position-clock.js';

describe('the position clock', () => {
  beforeEach(() => jest.useFakeTimers({ now: 1_000 }));
  afterEach(() => jest.useRealTimers());

  it('returns microseconds, and advances with the time', () => {
    const clock = new PositionClock();
    expect(clock.last).toBe(1_000_000);
    jest.setSystemTime(1_500);
    expect([clock.next(), clock.last]).toEqual([1_500_000, 1_500_000]);
  });

  it('returns ascending positions, also within one millisecond and after the clock was set back', () => {
    const clock = new PositionClock();
    expect([clock.next(), clock.next(), clock.next()]).toEqual([1_000_001, 1_000_002, 1_000_003]);
    jest.setSystemTime(1);
    expect(clock.next()).toBe(1_000_004);
  });

  it('begins after the given position', () => {
    const clock = new PositionClock(5_000_000);
    expect([clock.last, clock.next()]).toEqual([5_000_000, 5_000_001]);
  });
});
