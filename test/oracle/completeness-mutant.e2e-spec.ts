import { jest } from '@jest/globals';
import type { Position } from '../../src/protocol/position.js';
import type { RoomEvidence } from '../../src/broker/completeness.js';

const rule = await import('../../src/broker/completeness.js');

// Leaves out the last case of the rule: a room whose history was dropped counts as a room without new events.
jest.unstable_mockModule('../../src/broker/completeness.js', () => ({
  ...rule,
  isComplete: (after: Position, evidence: RoomEvidence): boolean =>
    rule.isComplete(after, { ...evidence, last: evidence.last ?? 0 }),
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
