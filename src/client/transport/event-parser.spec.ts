import * as fc from 'fast-check';
import { anyFields, anyText, cuts } from '../../../test/protocol/arbitraries.js';
import { cutAt, parsed } from '../../../test/protocol/parsed.js';
import { VECTORS } from '../../../test/protocol/vectors.js';
import { encodeEvent } from '../../protocol/encode-event.js';
import { EventParser, type WireEvent } from './event-parser.js';

interface Result {
  readonly events: WireEvent[];
  readonly positions: string[];
  readonly retries: number[];
}

function parse(...pieces: readonly Uint8Array[]): Result {
  const result: Result = { events: [], positions: [], retries: [] };
  const parser = new EventParser('', {
    event: (event) => result.events.push(event),
    position: (id) => result.positions.push(id),
    retry: (retryMs) => result.retries.push(retryMs),
  });
  const decoder = new TextDecoder();
  for (const piece of pieces) parser.feed(decoder.decode(piece, { stream: true }));
  return result;
}

describe('the parser of the fetch transport', () => {
  it.each(VECTORS)('dispatches what every client must: $name', ({ send, receive }) => {
    const bytes = Buffer.from(send.map((fields) => encodeEvent(fields)).join(''));
    const { events } = parse(bytes);
    expect(events.map(({ name, text, id }) => ({ type: name, data: text, lastEventId: id }))).toEqual(
      receive,
    );
  });

  it('reads from bytes that are split anywhere what eventsource-parser reads', () => {
    fc.assert(
      fc.property(fc.array(anyFields, { maxLength: 8 }), cuts, (sent, places) => {
        const bytes = Buffer.from(sent.map((fields) => encodeEvent(fields)).join(''));
        const oracle = parsed(bytes);
        const { events, retries } = parse(...cutAt(bytes, places));
        expect(events.map(({ name, text }) => [name, text])).toEqual(
          oracle.events.map(({ event = 'message', data }) => [event, data]),
        );
        expect(retries).toEqual(oracle.retries);
      }),
    );
  });

  it('reads any text, with any line ends, the same however it is split', () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 20 }), cuts, (texts, places) => {
        const bytes = Buffer.from(texts.join('\r\n'));
        expect(parse(...cutAt(bytes, places))).toEqual(parse(bytes));
      }),
    );
  });

  it.each(['\n', '\r', '\r\n'])('ends a line at %j, also between two pieces', (end) => {
    const bytes = Buffer.from(['event: a', 'data: 1', 'data:  2', '', ''].join(end));
    const expected = [{ name: 'a', text: '1\n 2', id: '' }];
    for (let at = 0; at <= bytes.length; at++) {
      expect(parse(bytes.subarray(0, at), bytes.subarray(at)).events).toEqual(expected);
    }
  });

  it('moves the position at the end of a block, with data or without, and not before', () => {
    expect(parse(Buffer.from('id: 1\ndata: a\n')).positions).toEqual([]);
    expect(parse(Buffer.from('id: 1\ndata: a\n\nid: 2\n\ndata: b\n\nid: 3\n')).positions).toEqual(['1', '2']);
  });

  it('passes over comments, unknown fields, ids with NUL and bad times, and an event that was cut', () => {
    const { events, positions, retries } = parse(
      Buffer.from(':\n: x\ndatas: y\nid: a\0b\nretry: 1s\nretry\nretry: 7\ndata\n\ndata: cut\n'),
    );
    expect([events, positions, retries]).toEqual([[{ name: 'message', text: '', id: '' }], [], [7]]);
  });

  it('takes a byte order mark from the beginning alone', () => {
    expect(parse(Buffer.from('\ufeffdata: \ufeff\n\n')).events).toEqual([
      { name: 'message', text: '\ufeff', id: '' },
    ]);
  });
});
