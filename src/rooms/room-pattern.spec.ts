import * as fc from 'fast-check';
import { matchesRoomPattern } from './room-pattern.js';

function byRegularExpression(pattern: string, name: string): boolean {
  const escaped = pattern.split('*').map((text) => text.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`, 's').test(name);
}

describe('matchesRoomPattern', () => {
  it.each<[string, string, boolean]>([
    ['orders/*', 'orders/7', true],
    ['orders/*', 'orders/', true],
    ['orders/*', 'orders', false],
    ['*', '', true],
    ['*', '*', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-b-b-c-', false],
    ['a.c', 'abc', false],
    ['', '', true],
    ['', 'a', false],
  ])('matches %j against %j: %j', (pattern, name, expected) => {
    expect(matchesRoomPattern(pattern, name)).toBe(expected);
  });

  it('agrees with the regular expression of the pattern', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '\n'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (pattern, name) => {
        expect(matchesRoomPattern(pattern, name)).toBe(byRegularExpression(pattern, name));
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends for patterns that take a regular expression exponential time', () => {
    for (const pattern of ['*-*-*-*-x', '*a*a*a*a*b', '*'.repeat(100), '*a'.repeat(60) + 'b'])
      expect(matchesRoomPattern(pattern, '-a'.repeat(127))).toBe(/^\**$/.test(pattern));
  });
});
