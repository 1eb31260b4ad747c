import { checkEventId, checkEventName, checkRetry } from './event-fields.js';
import { describeValue } from '../error-text.js';
import { SSE_ERROR_CODES, SseError } from '../sse-error.js';

describe('checkEventName', () => {
  it.each([
    ['paid', 'paid'],
    ['with spaces: and colons', 'with spaces: and colons'],
    ['errors', 'errors'],
    ['Error', 'Error'],
    ['sse', 'sse'],
    ['zürich 🙂', 'zürich 🙂'],
    ['', undefined],
    [undefined, undefined],
    [null, undefined],
  ])('takes %j', (name, event) => {
    expect(checkEventName(name)).toBe(event);
  });

  it.each([
    'a\nb',
    'a\rb',
    '\n',
    'a\r\ndata: forged',
    'a\0b',
    'a\tb',
    'a\u202eb',
    'a\ud800',
    'error',
    'open',
    'sse:ready',
    'sse:',
    7,
    {},
    [],
    true,
  ])('refuses %j', (name) => {
    expect(() => checkEventName(name)).toThrow(expect.objectContaining({ code: 'invalid-event-name' }));
  });
});

describe('checkEventId', () => {
  it.each([
    ['1', '1'],
    ['', ''],
    [7, '7'],
    [-1.5, '-1.5'],
    ['!~"<>{}', '!~"<>{}'],
    ['x'.repeat(128), 'x'.repeat(128)],
    [undefined, undefined],
    [null, undefined],
  ])('takes %j', (id, text) => {
    expect(checkEventId(id)).toBe(text);
  });

  it.each([
    'a b',
    ' a',
    'a ',
    'é',
    '🙂',
    'a\nb',
    'a\rb',
    'a\0b',
    'a\tb',
    '\x7f',
    'x'.repeat(129),
    NaN,
    Infinity,
    {},
    true,
  ])('refuses %j', (id) => {
    expect(() => checkEventId(id)).toThrow(expect.objectContaining({ code: 'invalid-id' }));
  });
});

describe('checkRetry', () => {
  it.each([0, 1, 3_000, Number.MAX_SAFE_INTEGER])('takes %j', (ms) => {
    expect(checkRetry(ms)).toBe(ms);
  });

  it.each([undefined, null, 1.5, -1, NaN, '5000x', '5000', Infinity, -Infinity, 1e21, true, {}, 5n])(
    'refuses %p',
    (ms) => {
      expect(() => checkRetry(ms)).toThrow(expect.objectContaining({ code: 'invalid-retry' }));
    },
  );
});

describe('a value in an error message', () => {
  it.each<[unknown, string]>([
    ['text', '"text"'],
    ['a\nb', '"a\\nb"'],
    ['x'.repeat(81), `"${'x'.repeat(80)}…"`],
    [1.5, '1.5'],
    [null, 'null'],
    [undefined, 'undefined'],
    [false, 'false'],
    [['secret'], 'an array'],
    [{ secret: 1 }, 'a value of type object'],
    [() => 'secret', 'a value of type function'],
    [Symbol('secret'), 'a value of type symbol'],
  ])('describes %p without its contents', (value, text) => {
    expect(describeValue(value)).toBe(text);
  });
});

describe('SseError', () => {
  it('is an Error with a code, a name and the cause it was given', () => {
    const cause = new TypeError('why');
    const error = new SseError('invalid-data', 'what, and the cure', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'SseError',
      code: 'invalid-data',
      message: 'what, and the cure',
      cause,
    });
    expect(new SseError('invalid-data', 'no cause')).not.toHaveProperty('cause');
  });

  it('has each code once', () => {
    expect(new Set(SSE_ERROR_CODES).size).toBe(SSE_ERROR_CODES.length);
  });
});
