import * as fc from 'fast-check';
import { decodeEventText } from '../../src/broker/redis/data/event-codec.js';
import { encodeEvent } from '../../src/protocol/encode-event.js';
import { checkEventId, checkEventName, checkRetry } from '../../src/protocol/input/event-fields.js';
import { unchecked } from '../support/refusal.js';
import { parsed, wellFormed } from './parsed.js';

/**
 * The kinds of weakness that were published for encoders of event streams: text of one field that ends it and forges the
 * next one, or that makes a client ignore a field. Each kind is tried through the checks of an application's input, through
 * the encoder, and through the decoder of what Redis delivers.
 */
const FORGED = ['data: forged', 'event: forged', 'id: forged', 'retry: 1', ': forged', ''];
const ENDS = ['\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n', '\n\r'];
const injected = ENDS.flatMap((end) => FORGED.map((field) => `real${end}${field}`));

const redisEvent = (header: object, data = 'text'): string => `${JSON.stringify(header)}\n${data}`;

describe('a line break in a field of an event', () => {
  it.each(injected)('is refused in an event name: %j', (name) => {
    expect(() => checkEventName(name)).toThrow(expect.objectContaining({ code: 'invalid-event-name' }));
  });

  it.each(injected)('is refused in an id: %j', (id) => {
    expect(() => checkEventId(id)).toThrow(expect.objectContaining({ code: 'invalid-id' }));
  });

  it.each(injected)('is refused in a reconnection time: %j', (retry) => {
    expect(() => checkRetry(`1${retry}`)).toThrow(expect.objectContaining({ code: 'invalid-retry' }));
  });

  it.each(injected)('is refused in an event name that Redis delivers: %j', (n) => {
    expect(decodeEventText(redisEvent({ n }))).toBeUndefined();
  });

  it.each(injected)('stays inside the data of its event: %j', (data) => {
    const { events, retries, comments, errors } = parsed(encodeEvent({ event: 'real', data, id: '1' }));
    const lines = data.replaceAll(/\r\n|\r/g, '\n');
    expect(events).toEqual([{ event: 'real', data: lines, id: '1' }]);
    expect([retries, comments, errors]).toEqual([[], [], []]);
  });

  it.each(injected)('stays inside a comment: %j', (comment) => {
    const { events, retries, errors } = parsed(encodeEvent({ comment }), encodeEvent({ data: 'next' }));
    expect(events.map(({ event, data }) => [event, data])).toEqual([[undefined, 'next']]);
    expect([retries, errors]).toEqual([[], []]);
  });
});

describe('NUL', () => {
  it('is refused in an event name and in an id, which clients would ignore', () => {
    expect(() => checkEventName('a\0b')).toThrow(expect.objectContaining({ code: 'invalid-event-name' }));
    expect(() => checkEventId('a\0b')).toThrow(expect.objectContaining({ code: 'invalid-id' }));
    expect(decodeEventText(redisEvent({ n: 'a\0b' }))).toBeUndefined();
  });

  it('stays inside data', () => {
    expect(parsed(encodeEvent({ data: 'a\0b' })).events).toMatchObject([{ data: 'a\0b' }]);
  });
});

describe('an event of the module itself', () => {
  it.each(['sse:ready', 'sse:gap', 'sse:error', 'sse:join', 'sse:end', 'error', 'open'])(
    'cannot be forged by an application or by Redis: %s',
    (name) => {
      expect(() => checkEventName(name)).toThrow(expect.objectContaining({ code: 'invalid-event-name' }));
      expect(decodeEventText(redisEvent({ n: name }))).toBeUndefined();
    },
  );
});

describe('a value that is no text', () => {
  it.each([{ toString: () => 'a\nb' }, ['a\nb'], 5, true])(
    'is refused as an event name and an id: %p',
    (value) => {
      expect(() => checkEventName(unchecked(value))).toThrow(
        expect.objectContaining({ code: 'invalid-event-name' }),
      );
      expect(decodeEventText(redisEvent({ n: value }))).toBeUndefined();
    },
  );
});

describe('any data', () => {
  it('is one event with this data, and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...ENDS), (text, end) => {
        const data = wellFormed(text) + end + wellFormed(text);
        const { events, errors } = parsed(encodeEvent({ data }));
        expect(events.map((each) => each.data)).toEqual([data.replaceAll(/\r\n|\r/g, '\n')]);
        expect(errors).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});
