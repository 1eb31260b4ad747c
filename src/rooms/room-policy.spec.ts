import * as fc from 'fast-check';
import { RoomPolicy, type RoomRule } from './room-policy.js';

const STANDARD = { maxEvents: 10, maxAgeMs: 1_000 };
const OTHER = { maxEvents: 99, maxAgeMs: 1_000 };

function rule(pattern: string, given: Partial<RoomRule> = {}): RoomRule {
  return { pattern, limits: OTHER, volatile: false, ...given };
}

function fits(pattern: string, room: string): boolean {
  return new RoomPolicy(STANDARD, 1, [rule(pattern)]).limitsOf(room) === OTHER;
}

describe('a room pattern', () => {
  it.each([
    ['hall', 'hall'],
    ['*', ''],
    ['*', 'anything at all'],
    ['orders/*', 'orders/7'],
    ['orders/*', 'orders/'],
    ['orders/*', 'orders/7/lines'],
    ['*/events', 'orders/7/events'],
    ['a*b*c', 'abc'],
    ['a*b*c', 'a b b c'],
    ['a.b', 'a.b'],
    ['(a|b)[c]{1}^$+?\\', '(a|b)[c]{1}^$+?\\'],
    ['**', 'x'],
    ['*', 'zürich 🙂'],
    ['a*', 'a\u2028b'],
  ])('%j fits %j', (pattern, room) => {
    expect(fits(pattern, room)).toBe(true);
  });

  it.each([
    ['hall', 'Hall'],
    ['hall', 'halls'],
    ['hall', 'a hall'],
    ['orders/*', 'orders'],
    ['orders/*', 'my orders/7'],
    ['a.b', 'axb'],
    ['a+', 'aa'],
    ['a|b', 'a'],
    ['', 'x'],
    ['a*b*c', 'acb'],
  ])('%j does not fit %j', (pattern, room) => {
    expect(fits(pattern, room)).toBe(false);
  });

  it('without a star fits exactly itself', () => {
    const text = fc.string({ unit: 'binary', maxLength: 10 }).filter((pattern) => !pattern.includes('*'));
    fc.assert(
      fc.property(text, text, (pattern, room) => {
        expect(fits(pattern, pattern)).toBe(true);
        expect(fits(pattern, room)).toBe(pattern === room);
      }),
    );
  });
});

describe('a room policy', () => {
  it('the first rule that fits decides, and the standard where none does', () => {
    const policy = new RoomPolicy(STANDARD, 5, [
      rule('ticker/*', { limits: false, volatile: true }),
      rule('ticker/kept'),
      rule('chat/*'),
    ]);
    expect(policy.limitsOf('ticker/kept')).toBe(false);
    expect(policy.limitsOf('chat/1')).toBe(OTHER);
    expect(policy.limitsOf('hall')).toBe(STANDARD);
    expect(['ticker/kept', 'chat/1', 'hall'].map((room) => policy.isVolatile(room))).toEqual([
      true,
      false,
      false,
    ]);
    expect(policy.maxBytes).toBe(5);
  });

  it.each<[boolean, typeof STANDARD | false, RoomRule[]]>([
    [true, STANDARD, []],
    [false, false, []],
    [true, STANDARD, [rule('a', { limits: false })]],
    [false, false, [rule('a', { limits: false })]],
    [true, false, [rule('a')]],
  ])('keeps history: %j', (keeps, standard, rules) => {
    expect(new RoomPolicy(standard, 1, rules).keepsHistory).toBe(keeps);
  });
});
