import * as fc from 'fast-check';
import { isComplete, type RoomEvidence } from './completeness.js';

const LIFETIME = 1_000;
const NOW = 10_000;

function evidence(found: Partial<RoomEvidence>): RoomEvidence {
  return { first: undefined, last: undefined, now: NOW, lastPositionTtlUs: LIFETIME, ...found };
}

describe('isComplete for a client at position 9,500', () => {
  const after = 9_500;

  it.each<[string, Partial<RoomEvidence>, boolean]>([
    [
      'the first entry follows the event of the client',
      { first: { position: 9_600, previous: 9_500 } },
      true,
    ],
    ['the first entry follows an older event', { first: { position: 9_600, previous: 9_000 } }, true],
    [
      'the first entry follows a newer event that was trimmed',
      { first: { position: 9_600, previous: 9_501 } },
      false,
    ],
    ['the first entry is the first of the room', { first: { position: 9_600, previous: 0 } }, true],
    ['nothing found, and the client has the last event', { last: 9_500 }, true],
    ['nothing found, and the last event is older', { last: 4_000 }, true],
    ['nothing found, but the last event is newer and was trimmed', { last: 9_501 }, false],
    ['nothing found, and the last position is unknown: no event within the TTL', {}, true],
  ])('%s', (_name, found, complete) => {
    expect(isComplete(after, evidence(found))).toBe(complete);
  });

  it.each<[string, number, Partial<RoomEvidence>, boolean]>([
    ['last position unknown, and the client is just within the TTL', NOW - LIFETIME + 1, {}, true],
    ['last position unknown, and the client is exactly at the TTL', NOW - LIFETIME, {}, false],
    ['last position unknown, and the client is far beyond the TTL', 0, {}, false],
    [
      'the first entry has no previous one, and the client is just within the TTL',
      9_600 - LIFETIME + 1,
      { first: { position: 9_600, previous: 0 } },
      true,
    ],
    [
      'the first entry has no previous one, but earlier events may be forgotten',
      9_600 - LIFETIME,
      { first: { position: 9_600, previous: 0 } },
      false,
    ],
  ])('%s', (_name, position, found, complete) => {
    expect(isComplete(position, evidence(found))).toBe(complete);
  });

  it('an entry that was found takes precedence over the last position', () => {
    const first = { position: 9_600, previous: 9_000 };
    for (const last of [undefined, 9_600, 9_999]) {
      expect(isComplete(after, evidence({ first, last }))).toBe(true);
    }
  });
});

describe('isComplete compared with an untrimmed history', () => {
  it('never reports a room as complete when an event was missed', () => {
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
