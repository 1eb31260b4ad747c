import * as fc from 'fast-check';
import { isComplete, type RoomEvidence } from './completeness.js';

const LIFETIME = 1_000;
const NOW = 10_000;

function evidence(found: Partial<RoomEvidence>): RoomEvidence {
  return { first: undefined, last: undefined, now: NOW, lastPositionTtlUs: LIFETIME, ...found };
}

describe('whether a client that stands at 9,500 has been told everything', () => {
  const after = 9_500;

  it.each<[string, Partial<RoomEvidence>, boolean]>([
    ['the first found follows the event it has', { first: { position: 9_600, previous: 9_500 } }, true],
    ['the first found follows an older one', { first: { position: 9_600, previous: 9_000 } }, true],
    [
      'the first found follows one that is newer, and gone',
      { first: { position: 9_600, previous: 9_501 } },
      false,
    ],
    ['the first found is the first of the room', { first: { position: 9_600, previous: 0 } }, true],
    ['nothing found, and the last is what it has', { last: 9_500 }, true],
    ['nothing found, and the last is older', { last: 4_000 }, true],
    ['nothing found, but the last is newer, and gone', { last: 9_501 }, false],
    ['nothing found, nothing known: no event for as long as last positions are kept', {}, true],
  ])('%s', (_name, found, complete) => {
    expect(isComplete(after, evidence(found))).toBe(complete);
  });

  it.each<[string, number, Partial<RoomEvidence>, boolean]>([
    ['nothing known, and it stands just within living memory', NOW - LIFETIME + 1, {}, true],
    ['nothing known, and it stands at its edge', NOW - LIFETIME, {}, false],
    ['nothing known, and it stands long before', 0, {}, false],
    [
      'the room seems new, and it stands just within',
      9_600 - LIFETIME + 1,
      { first: { position: 9_600, previous: 0 } },
      true,
    ],
    [
      'the room seems new, but an earlier life of it may be forgotten',
      9_600 - LIFETIME,
      { first: { position: 9_600, previous: 0 } },
      false,
    ],
  ])('%s', (_name, stands, found, complete) => {
    expect(isComplete(stands, evidence(found))).toBe(complete);
  });

  it('what is found counts, whatever is known of the last', () => {
    const first = { position: 9_600, previous: 9_000 };
    for (const last of [undefined, 9_600, 9_999]) {
      expect(isComplete(after, evidence({ first, last }))).toBe(true);
    }
  });
});

describe('against a memory that remembers all', () => {
  it('is never said to be complete where an event was missed', () => {
    const events = fc
      .uniqueArray(fc.integer({ min: 1, max: NOW - 1 }), { maxLength: 8 })
      .map((at) => at.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(
        events,
        fc.nat({ max: NOW }),
        fc.nat({ max: 8 }),
        fc.integer({ min: 1, max: NOW }),
        (all, after, trimmed, lifetime) => {
          // A room forgets its oldest events, and its last position once that is older than its lifetime.
          const left = all.slice(trimmed);
          const newest = all.at(-1);
          const forgotten = left.length === 0 && newest !== undefined && NOW - newest >= lifetime;
          const found = left.filter((position) => position > after);
          const [position] = found;
          const previous = position === undefined ? 0 : (all[all.indexOf(position) - 1] ?? 0);
          const complete = isComplete(after, {
            first: position === undefined ? undefined : { position, previous },
            last: forgotten ? undefined : newest,
            now: NOW,
            lastPositionTtlUs: lifetime,
          });
          const missed = all.filter((at) => at > after && !found.includes(at));
          if (complete) expect(missed).toEqual([]);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
