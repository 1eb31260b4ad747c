import * as fc from 'fast-check';
import {
  EVERYONE,
  NAMES_OF_OTHER_NODES,
  checkRoom,
  checkRooms,
  checkTarget,
  isInternalRoom,
} from './room-name.js';

describe('checkRoom', () => {
  it.each<[unknown, string]>([
    ['hall', 'hall'],
    ['orders/7', 'orders/7'],
    [' ', ' '],
    ['zürich 🙂', 'zürich 🙂'],
    [EVERYONE, '*'],
    [0, '0'],
    [-0, '0'],
    [7, '7'],
    [1.5, '1.5'],
    ['x'.repeat(255), 'x'.repeat(255)],
  ])('takes %j', (room, name) => {
    expect(checkRoom(room)).toBe(name);
  });

  it.each([
    '',
    'x'.repeat(256),
    'a\nb',
    'a\rb',
    'a\0',
    '\x1b[0m',
    '\x7f',
    '\x9b0m',
    'a\u202eb',
    'a\ud800',
    'orders/*',
    '**',
    undefined,
    null,
    NaN,
    Infinity,
    -Infinity,
    true,
    {},
    [],
    ['a'],
    7n,
    Symbol('a'),
    () => 'a',
  ])('refuses %p', (room) => {
    expect(() => checkRoom(room)).toThrow(expect.objectContaining({ code: 'invalid-room' }));
  });

  it('a number and its decimal string are one room', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (room) => {
        expect(checkRoom(room)).toBe(checkRoom(String(room)));
      }),
    );
  });
});

it('checkRoom takes * beside other characters where the rules allow it, and refuses all else', () => {
  const rules = { allowAsteriskInRoomNames: true };
  expect(['orders/*', '**', '*'].map((room) => checkRoom(room, rules))).toEqual(['orders/*', '**', '*']);
  for (const room of ['', '*\n', 'x'.repeat(256), undefined]) {
    expect(() => checkRoom(room, rules)).toThrow(expect.objectContaining({ code: 'invalid-room' }));
  }
});

describe('checkTarget', () => {
  it.each([
    'undefined',
    'user/undefined',
    'user/undefined/orders',
    'user:null',
    'null',
    'a.NaN.b',
    'user-undefined',
    'user_NaN/x',
    'a/[object Object]',
    '[object Promise]',
  ])('refuses %j, which has a part without a value', (room) => {
    expect(() => checkTarget(room)).toThrow(expect.objectContaining({ code: 'invalid-room' }));
  });

  it.each(['undefined-behaviour', 'not-null', 'nullable', 'NaNcy', 'orders/7', '*', 'object'])(
    'takes %j',
    (room) => {
      expect(checkTarget(room)).toBe(room);
    },
  );
});

describe('the rooms of this package', () => {
  it.each(['*sse:admin-ask', '*sse:x', '*sse:'])('%s is refused, whatever names are allowed', (room) => {
    const refusal = expect.objectContaining({ code: 'invalid-room' });
    expect(() => checkRoom(room)).toThrow(refusal);
    expect(() => checkRoom(room, NAMES_OF_OTHER_NODES)).toThrow(refusal);
  });

  it('are distinguished from all others', () => {
    expect(['*sse:admin-ask', '*sse:x'].filter(isInternalRoom)).toHaveLength(2);
    expect(['*', '*sse:', '*sse:\n', '*sse', 'sse:x', '*sse:X', 'orders/*'].filter(isInternalRoom)).toEqual(
      [],
    );
  });
});

describe('checkRooms', () => {
  it('gives each name once, in the order given', () => {
    expect(checkRooms(['b', 'a', 'b', 1, '1'])).toEqual(['b', 'a', '1']);
    expect(checkRooms('a')).toEqual(['a']);
    expect(checkRooms(0)).toEqual(['0']);
    expect(checkRooms([])).toEqual([]);
  });

  it('one bad name refuses the list', () => {
    expect(() => checkRooms(['a', ''])).toThrow(expect.objectContaining({ code: 'invalid-room' }));
  });
});
