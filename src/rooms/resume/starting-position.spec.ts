import { startInOtherEpoch } from './starting-position.js';

describe('a client of another epoch', () => {
  it.each([
    [
      'after the position that it had, where its node is behind',
      { reached: 50, delivered: 40, current: 60 },
      50,
    ],
    [
      'with what its node delivers, where its own position is older',
      { reached: 30, delivered: 40, current: 60 },
      40,
    ],
    [
      'no later than the newest event of the new epoch, whose clock may be behind',
      { reached: 90, delivered: 40, current: 60 },
      60,
    ],
  ])('continues %s', (_name, { reached, delivered, current }, start) => {
    expect(startInOtherEpoch(reached, delivered, current)).toBe(start);
  });
});
