import { jest } from '@jest/globals';
import { PositionClock } from './position-clock.js';

describe('the position clock', () => {
  beforeEach(() => jest.useFakeTimers({ now: 1_000 }));
  afterEach(() => jest.useRealTimers());

  it('tells microseconds, and moves on with the time', () => {
    const clock = new PositionClock();
    expect(clock.last).toBe(1_000_000);
    jest.setSystemTime(1_500);
    expect([clock.next(), clock.last]).toEqual([1_500_000, 1_500_000]);
  });

  it('gives each event its own, however many come in a millisecond, and never goes back', () => {
    const clock = new PositionClock();
    expect([clock.next(), clock.next(), clock.next()]).toEqual([1_000_001, 1_000_002, 1_000_003]);
    jest.setSystemTime(1);
    expect(clock.next()).toBe(1_000_004);
  });

  it('begins where it is told', () => {
    const clock = new PositionClock(5_000_000);
    expect([clock.last, clock.next()]).toEqual([5_000_000, 5_000_001]);
  });
});
