import { jest } from '@jest/globals';
import type { Position } from '../../src/protocol/position.js';
import type { RoomEvidence } from '../../src/broker/completeness.js';

// The rule without its last case: a room of which nothing is known any more passes for one that heard nothing new.
jest.unstable_mockModule('../../src/broker/completeness.js', () => ({
  isComplete: (after: Position, { first, last, lastPositionTtlUs }: RoomEvidence): boolean => {
    if (first !== undefined) {
      return first.previous === 0 ? first.position - after < lastPositionTtlUs : first.previous <= after;
    }
    return last === undefined || last <= after;
  },
}));

const { chosenSeed, runOracle } = await import('./oracle.js');
const { forgetfulRooms } = await import('./forgetful-rooms.js');

describe('the oracle', () => {
  const seed = chosenSeed();

  it(`catches a memory that forgets rooms and does not know it (SEED=${seed})`, async () => {
    const figures = await runOracle(forgetfulRooms(seed));
    process.stdout.write(`mutant of forgotten rooms: ${JSON.stringify(figures)}\n`);
    expect(figures.silentLosses).toBeGreaterThan(0);
  });
});
