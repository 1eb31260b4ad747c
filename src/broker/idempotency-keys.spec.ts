import { jest } from '@jest/globals';
import { IDEMPOTENCY_WINDOW_MS, IdempotencyKeys } from './idempotency-keys.js';

const receipt = (position: number) => ({ epoch: '00000000', position, replayable: true, duplicate: false });

describe('idempotency keys', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('are known for two minutes, each from its own beginning', () => {
    const keys = new IdempotencyKeys();
    expect(IDEMPOTENCY_WINDOW_MS).toBe(120_000);
    expect(keys.get('a')).toBeUndefined();
    keys.set('a', receipt(1));
    jest.advanceTimersByTime(60_000);
    keys.set('b', receipt(2));
    jest.advanceTimersByTime(59_999);
    expect([keys.get('a'), keys.get('b')]).toEqual([receipt(1), receipt(2)]);
    jest.advanceTimersByTime(1);
    expect([keys.get('a'), keys.get('b')]).toEqual([undefined, receipt(2)]);
    jest.advanceTimersByTime(60_000);
    expect(keys.get('b')).toBeUndefined();
  });

  it('are forgotten also when no other follows, and leave no timer', () => {
    const keys = new IdempotencyKeys();
    for (let n = 0; n < 100; n++) keys.set(`${n}`, receipt(n));
    jest.advanceTimersByTime(60_000);
    keys.set('later', receipt(100));
    jest.advanceTimersByTime(IDEMPOTENCY_WINDOW_MS / 2);
    expect(keys.size).toBe(1);
    jest.advanceTimersByTime(IDEMPOTENCY_WINDOW_MS);
    expect([keys.size, jest.getTimerCount()]).toEqual([0, 0]);
    keys.set('and again', receipt(101));
    keys.clear();
    expect([keys.size, jest.getTimerCount()]).toEqual([0, 0]);
  });

  it('may be used anew afterwards', () => {
    const keys = new IdempotencyKeys();
    keys.set('a', receipt(1));
    jest.advanceTimersByTime(IDEMPOTENCY_WINDOW_MS);
    expect(keys.get('a')).toBeUndefined();
    keys.set('a', receipt(2));
    jest.advanceTimersByTime(IDEMPOTENCY_WINDOW_MS - 1);
    expect(keys.get('a')).toEqual(receipt(2));
  });

  it('any text is a key of its own', () => {
    const keys = new IdempotencyKeys();
    for (const [n, key] of ['', '__proto__', 'constructor', 'a', 'A'].entries()) keys.set(key, receipt(n));
    expect(
      ['', '__proto__', 'constructor', 'a', 'A', 'toString'].map((key) => keys.get(key)?.position),
    ).toEqual([0, 1, 2, 3, 4, undefined]);
  });
});
