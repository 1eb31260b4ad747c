import * as fc from 'fast-check';
import { RoomPolicy, type RoomRule } from './room-policy.js';

const STANDARD = { maxEvents: 10, maxAgeMs: 1_000 };
const OTHER = { maxEvents: 99, maxAgeMs: 1_000 };

function rule(pattern: string, given: Partial<RoomRule> = {}): RoomRule {
  return { pattern, limits: OTHER, volatile: false, ...given };
}

function matches(pattern: string, room: string): boolean {
  return new RoomPolicy(STANDARD, 1, [rule(pattern)]).limitsOf(room) === OTHER;
}

describe('a room pattern', () => {
  it.each([
    ['lobby', 'lobby'],
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
  ])('%j matches %j', (pattern, room) => {
    expect(matches(pattern, room)).toBe(true);
  });

  it.each([
    ['lobby', 'Lobby'],
    ['lobby', 'lobbys'],
    ['lobby', 'a lobby'],
    ['orders/*', 'orders'],
    ['orders/*', 'my orders/7'],
    ['a.b', 'axb'],
    ['a+', 'aa'],
    ['a|b', 'a'],
    ['', 'x'],
    ['a*b*c', 'acb'],
  ])('%j does not match %j', (pattern, room) => {
    expect(matches(pattern, room)).toBe(false);
  });

  it('without a star matches exactly itself', () => {
    const text = fc.string({ unit: 'binary', maxLength: 10 }).filter((pattern) => !pattern.includes('*'));
    fc.assert(
      fc.property(text, text, (pattern, room) => {
        expect(matches(pattern, pattern)).toBe(true);
        expect(matches(pattern, room)).toBe(pattern === room);
      }),
    );
  });
});

describe('a room policy', () => {
  it('uses the first rule that matches, and the standard limits where none does', () => {
    const policy = new RoomPolicy(STANDARD, 5, [
      rule('ticker/*', { limits: false, volatile: true }),
      rule('ticker/1'),
      rule('chat/*'),
    ]);
    expect(policy.limitsOf('ticker/1')).toBe(false);
    expect(policy.limitsOf('chat/1')).toBe(OTHER);
    expect(policy.limitsOf('lobby')).toBe(STANDARD);
    expect(['ticker/1', 'chat/1', 'lobby'].map((room) => policy.isVolatile(room))).toEqual([
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
  ])('has history: %j', (has, standard, rules) => {
    expect(new RoomPolicy(standard, 1, rules).hasHistory).toBe(has);
  });
});
