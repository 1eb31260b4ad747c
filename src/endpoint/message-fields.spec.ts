import { messageFields } from './message-fields.js';

const toJson = (data: unknown): string => JSON.stringify(data);
const fields = (value: unknown) => messageFields(value, toJson);

describe('a value that a handler emits', () => {
  it.each<[string, unknown, object]>([
    ['an object with data', { data: 'x' }, { data: 'x' }],
    [
      "Nest's MessageEvent",
      { data: { n: 1 }, type: 'step', id: '7', retry: 5 },
      { data: '{"n":1}', event: 'step', id: '7', retry: 5 },
    ],
    ['event before type', { data: 'x', event: 'e', type: 't' }, { data: 'x', event: 'e' }],
    ['type where event is undefined', { data: 'x', event: undefined, type: 't' }, { data: 'x', event: 't' }],
    ['a number as id', { data: 'x', id: 7 }, { data: 'x', id: '7' }],
    ['an id that resets', { data: 'x', id: '' }, { data: 'x', id: '' }],
    ['null as data', { data: null }, { data: 'null' }],
    ['a comment alone', { comment: 'hello' }, { comment: 'hello' }],
    ['a comment beside data', { comment: 'c', data: 'x' }, { comment: 'c', data: 'x' }],
    [
      'fields that are undefined or null are none',
      { data: 'x', id: null, retry: undefined, comment: null, type: undefined },
      { data: 'x' },
    ],
  ])('%s is a message', (_name, value, message) => {
    const none = { event: undefined, data: undefined, id: undefined, retry: undefined, comment: undefined };
    expect(fields(value)).toEqual({ ...none, ...message });
  });

  it.each<[string, unknown, string]>([
    ['a string', 'data', 'data'],
    ['a number', 0, '0'],
    ['false', false, 'false'],
    ['null', null, 'null'],
    ['a list', [{ data: 1 }], '[{"data":1}]'],
    ['an empty object', {}, '{}'],
    ['another key beside data', { data: 'x', user: 1 }, '{"data":"x","user":1}'],
    ['neither data nor comment', { id: 7, type: 'a' }, '{"id":7,"type":"a"}'],
    ['a date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ])('%s is data', (_name, value, data) => {
    expect(fields(value)).toEqual({ data });
  });

  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'invalid-data'],
    ['a function', () => 1, 'invalid-data'],
    ['undefined as data', { data: undefined }, 'invalid-data'],
    ['a comment that is no string', { comment: 7 }, 'invalid-data'],
    ['a name with a line break', { data: 'x', type: 'a\nb' }, 'invalid-event-name'],
    ['a reserved name', { data: 'x', event: 'sse:ready' }, 'invalid-event-name'],
    ['the name error', { data: 'x', type: 'error' }, 'invalid-event-name'],
    ['an id with a space', { data: 'x', id: 'a b' }, 'invalid-id'],
    ['a bad retry', { data: 'x', retry: -1 }, 'invalid-retry'],
  ])('refuses %s', (_name, value, code) => {
    expect(() => fields(value)).toThrow(expect.objectContaining({ code }));
  });
});
