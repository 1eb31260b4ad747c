import { jest } from '@jest/globals';
import type { Position } from '../../src/protocol/position.js';
import type { RoomEvidence } from '../../src/broker/completeness.js';

// Leaves out the last case of the rule: a room whose history was dropped counts as a room without new events.
jest.unstable_mockModule('../../src/broker/completeness.js', () => ({
  isComplete: (after: Position, { first, last, lastPositionTtlUs }: RoomEvidence): boolean => {
    if (first !== undefined) {
      return first.previous === 0 ? first.position - after < lastPositionTtlUs : first.previous <= after;
    }
    return last === undefined || last <= after;
  },
}));

const { chosenSeed } = await import('../support/seeds.js');
const { expiringRooms, runHttpOracle } = await import('./http-oracle.js');
const { logVerdict } = await import('./verdict.js');

describe('the oracle', () => {
  const seed = chosenSeed();

  it(`catches a history that drops rooms without a gap (SEED=${seed})`, async () => {
    const verdict = await runHttpOracle(expiringRooms(seed));
    logVerdict('mutant of the completeness rule', verdict);
    expect(verdict.silentLosses).toBeGreaterThan(0);
  });
});
