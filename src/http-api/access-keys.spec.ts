import { timingSafeEqual } from 'node:crypto';
import * as fc from 'fast-check';
import { AccessKeys } from './access-keys.js';

const KEYS = ['a', 'b', 'c'].map((letter) => ({ key: letter.repeat(40) }));

describe('AccessKeys', () => {
  it('compares every presented text with every key, as buffers of one length', () => {
    const compared: number[][] = [];
    const keys = new AccessKeys(KEYS, (a, b) => {
      compared.push([a.length, b.length]);
      return timingSafeEqual(a, b);
    });
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom(...KEYS.map(({ key }) => key))), (presented) => {
        compared.length = 0;
        keys.admit({}, presented);
        expect(compared).toEqual(KEYS.map(() => [32, 32]));
      }),
    );
  });

  it('admits each of its keys, and no other text', () => {
    const keys = new AccessKeys(KEYS);
    for (const { key } of KEYS) expect(keys.admit({}, key)).toBe(true);
    fc.assert(fc.property(fc.string(), (presented) => expect(keys.admit({}, presented)).toBe(false)));
  });

  it('allows no room to a request that was not admitted', () => {
    const keys = new AccessKeys(KEYS);
    expect(keys.allows({}, 'orders')).toBe(false);
    const request = {};
    keys.admit(request, 'wrong');
    expect(keys.allows(request, 'orders')).toBe(false);
    keys.admit(request, KEYS[0]?.key ?? '');
    expect(keys.allows(request, 'orders')).toBe(true);
  });

  it('allows the rooms that match a pattern of the key', () => {
    const keys = new AccessKeys([{ key: 'k'.repeat(40), rooms: ['orders/*', 'audit'] }]);
    const request = {};
    keys.admit(request, 'k'.repeat(40));
    const allowed = ['orders/7', 'orders/', 'audit'];
    const denied = ['orders', 'audit/7', '*', 'my-orders/7'];
    expect([...allowed, ...denied].filter((room) => keys.allows(request, room))).toEqual(allowed);
  });

  it('gives each set of rooms idempotency keys of its own, and leaves those of other publishers as they are', () => {
    const keys = new AccessKeys([
      { key: 'a'.repeat(40) },
      { key: 'b'.repeat(40), rooms: ['x', 'y'] },
      { key: 'c'.repeat(40), rooms: ['y', 'x'] },
      { key: 'd'.repeat(40), rooms: ['x'] },
    ]);
    const scopedBy = (letter: string, idempotencyKey: string): string => {
      const request = {};
      keys.admit(request, letter.repeat(40));
      return keys.scoped(request, idempotencyKey);
    };
    expect(scopedBy('a', 'order-7')).toBe('order-7');
    expect(scopedBy('b', 'order-7')).toBe(scopedBy('c', 'order-7'));
    expect(new Set(['a', 'b', 'd'].map((letter) => scopedBy(letter, 'order-7'))).size).toBe(3);
    expect(scopedBy('b', 'order-8')).not.toBe(scopedBy('b', 'order-7'));
    expect(scopedBy('b', 'x'.repeat(255)).length).toBeLessThanOrEqual(255);
  });

  it('holds no key, in none of its properties', () => {
    expect(JSON.stringify(Object.values(new AccessKeys(KEYS)))).not.toContain('aaaa');
  });
});
