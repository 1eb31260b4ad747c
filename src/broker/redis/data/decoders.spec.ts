import * as fc from 'fast-check';
import { parseControl } from '../../../commands/remote-command-codec.js';
import { parsePresenceEvent } from '../../../protocol/presence-event.js';
import { parseNodeEntry } from '../nodes/node-entry.js';
import { presentUsers } from '../presence/present-users.js';
import { parseChannelMessage, parseSyncMarker } from './channel-message.js';
import { decodeEventText, encodeEventText } from './event-codec.js';
import { MalformedMessages } from './malformed-messages.js';
import { parseStreamEntry } from './stream-entry.js';

/** Texts that resemble the formats: digits, separators, JSON with the fields of the headers, and any other text. */
const headerValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('a\nb', 'sse:ready', 'sse:join', 'error', '', 1, { toString: 1 }, ['user:7'], [5]),
);
const header = fc
  .record(
    { n: headerValue, s: headerValue, x: headerValue, v: headerValue, c: headerValue, room: headerValue },
    { requiredKeys: [] },
  )
  .map((value) => JSON.stringify(value));
const fragment = fc.oneof(
  header,
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.integer({ min: 0 }).map(String),
  fc.constantFrom(
    '-',
    ' ',
    ',',
    '\n',
    '\r',
    '\0',
    '0000abcd',
    '0',
    '9007199254740993',
    '1764000000000002',
    't',
  ),
);
const text = fc.array(fragment, { maxLength: 8 }).map((parts) => parts.join(''));
const reply = fc.oneof(
  fc.anything(),
  fc.tuple(text, fc.array(fc.oneof(text, fc.constantFrom('p', 'd', 'r')))),
) as fc.Arbitrary<never>;

describe('the decoders of what Redis delivers', () => {
  it('never throw, and return only valid events', () => {
    fc.assert(
      fc.property(text, fc.option(fc.constantFrom('a', 'orders/7'), { nil: undefined }), (any, room) => {
        const message = parseChannelMessage(room, any);
        if (message !== undefined) {
          expect(message.epoch).toMatch(/^(-|[0-9a-f]{8})$/);
          expect([message.position, ...message.previous].every(Number.isSafeInteger)).toBe(true);
          expect(message.rooms.length).toBeGreaterThan(0);
        }
        parseSyncMarker(any);
        parseControl(any);
        parseNodeEntry(any);
        for (const name of ['sse:join', 'sse:leave']) {
          parsePresenceEvent({ event: name, data: any, serialized: true });
        }
        for (const eventText of [any, `\n${any}`, `{"x":["user:7"]}\n${any}`]) {
          const event = decodeEventText(eventText, room);
          expect(event?.event ?? '').not.toMatch(/[\r\n\0]|^sse:(?!join|leave)|^(error|open)$/);
          expect((event?.except ?? []).every((name) => typeof name === 'string')).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throw on a header of any values', () => {
    fc.assert(
      fc.property(header, text, (line, data) => {
        const event = decodeEventText(`${line}\n${data}`);
        if (event === undefined) return;
        // An accepted event is encoded to the same meaning.
        expect(decodeEventText(encodeEventText(event, event))).toEqual({
          ...event,
          except: event.except?.length === 0 ? undefined : event.except,
        });
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throw on a reply of any shape', () => {
    fc.assert(
      fc.property(reply, fc.array(text), (any, texts) => {
        const entry = parseStreamEntry('a', any);
        if (entry !== undefined) expect(entry.previous).toBeLessThan(entry.position);
        for (const { user, connections, info } of presentUsers(texts, () => {})) {
          expect(user).not.toBe('');
          expect(Number.isSafeInteger(connections)).toBe(true);
          if (info !== undefined) JSON.parse(info);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('an event header', () => {
  it.each([
    '{"x":5}',
    '{"x":{}}',
    '{"x":"user:7"}',
    '{"x":[7]}',
    '{"n":{"toString":1}}',
    '{"n":"x\\ndata: forged"}',
    '{"n":"a\\nb"}',
    '{"n":"a\\u0000b"}',
    '{"n":"sse:gap"}',
    '{"n":"sse:ready"}',
    '{"n":"sse:join"}',
    '{"n":"error"}',
    '{"n":""}',
    '{"n":null}',
    '{"s":true}',
    '{"v":"1"}',
    '{"c":{}}',
    '{"c":[null]}',
    '{"c":[{"partition":0,"position":1}]}',
    '{"c":[{"partition":0,"position":1.5,"rooms":["a"]}]}',
    '{"c":[{"partition":0,"position":1,"rooms":[5]}]}',
    '[]',
    'null',
    '5',
    '{',
  ])('%s is refused', (line) => {
    expect(decodeEventText(`${line}\nx`, 'a')).toBeUndefined();
  });

  it('may be a loss notice, which has no data', () => {
    expect(decodeEventText('{"n":"sse:loss"}\n')).toMatchObject({ event: 'sse:loss', data: '' });
    expect(decodeEventText('{"n":"sse:loss"}\nforged')).toBeUndefined();
  });

  it('may name a join of the room itself, and of no other', () => {
    const join = '{"n":"sse:join","s":1}\n{"room":"a","user":"7"}';
    expect(decodeEventText(join, 'a')).toMatchObject({ event: 'sse:join' });
    expect(decodeEventText(join, 'b')).toBeUndefined();
    expect(decodeEventText(join)).toBeUndefined();
    expect(decodeEventText('{"n":"sse:join"}\n{"room":"a","user":7}', 'a')).toBeUndefined();
  });
});

describe('a channel message', () => {
  it.each([
    ['an epoch with a line break', '0000ab\nc 1 0 \n\nx'],
    ['an epoch in capitals', '0000ABCD 1 0 \n\nx'],
    ['a position that is no safe integer', '0000abcd 9007199254740993 0 \n\nx'],
    ['a position without an epoch', '- 5 0 \n\nx'],
    ['a previous position that is not before it', '0000abcd 5 5 \n\nx'],
    ['more previous positions than rooms', '0000abcd 5 1,2 \n\nx'],
    ['an empty previous position', '0000abcd 5 1,, \n\nx'],
    ['rooms on the channel of one', '0000abcd 5 1 ["b"]\n\nx'],
  ])('with %s is refused', (_name, message) => {
    expect(parseChannelMessage('a', message)).toBeUndefined();
  });

  it.each(['', '[]', '[5]', '["a","a"]', '["a","b\\n"]', '["a",""]', '{"length":1}'])(
    'for the rooms %j is refused',
    (rooms) => {
      expect(parseChannelMessage(undefined, `0000abcd 5 1 ${rooms}\n\nx`)).toBeUndefined();
    },
  );
});

describe('a stream entry', () => {
  it.each([
    ['another id', ['5-1', ['p', '0', 'd', '\nx']]],
    ['other fields', ['5-0', ['d', '\nx', 'p', '0']]],
    ['a previous position that is not before it', ['5-0', ['p', '5', 'd', '\nx']]],
    ['a malformed event', ['5-0', ['p', '0', 'd', '{"x":5}\nx']]],
    ['rooms without its own', ['5-0', ['p', '0', 'd', '\nx', 'r', '["b","c"]']]],
    ['malformed rooms', ['5-0', ['p', '0', 'd', '\nx', 'r', '{}']]],
  ])('with %s is refused', (_name, entry) => {
    expect(parseStreamEntry('a', entry)).toBeUndefined();
  });
});

describe('MalformedMessages', () => {
  it('counts each kind and warns once for each', () => {
    const warnings: string[] = [];
    const malformed = new MalformedMessages((message) => warnings.push(message));
    for (const kind of ['event', 'event', 'sync marker'] as const) malformed.ignore(kind);
    expect([malformed.count('event'), malformed.count('sync marker')]).toEqual([2, 1]);
    expect(malformed.count('control message')).toBe(0);
    expect(warnings).toEqual([expect.stringContaining('event'), expect.stringContaining('sync marker')]);
  });
});
