import * as fc from 'fast-check';
import { anyFields, anyText, cuts, eventFields } from '../../test/protocol/arbitraries.js';
import { cutAt, normalised, parsed, wellFormed } from '../../test/protocol/parsed.js';
import { unsafeTextReason } from './input/unsafe-text.js';
import { encodeEvent, type SseFields } from './encode-event.js';
import { checkEventId, checkEventName, checkRetry } from './input/event-fields.js';

/** The event as a client has it. */
function asReceived({ event, data, id }: SseFields & { data: string }) {
  return { event: event === undefined ? undefined : wellFormed(event), data: normalised(data), id };
}

function hasData(fields: SseFields): fields is SseFields & { data: string } {
  return fields.data !== undefined;
}

describe('encodeEvent', () => {
  it('is read back as exactly one equal event, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(eventFields, cuts, (fields, places) => {
        const received = parsed(...cutAt(Buffer.from(encodeEvent(fields)), places));
        expect(received).toEqual({
          events: [asReceived(fields)],
          comments: fields.comment === undefined ? [] : normalised(fields.comment).split('\n'),
          retries: fields.retry === undefined ? [] : [fields.retry],
          errors: [],
        });
      }),
      { numRuns: 500 },
    );
  });

  it('is read back byte by byte', () => {
    fc.assert(
      fc.property(eventFields, (fields) => {
        const bytes = Buffer.from(encodeEvent(fields));
        expect(parsed(...Array.from(bytes, (byte) => Uint8Array.of(byte))).events).toEqual([
          asReceived(fields),
        ]);
      }),
    );
  });

  it('one after another gives one event after another, also among blocks that dispatch none', () => {
    fc.assert(
      fc.property(fc.array(anyFields, { maxLength: 8 }), cuts, (blocks, places) => {
        const received = parsed(...cutAt(Buffer.from(blocks.map(encodeEvent).join('')), places));
        expect(received.errors).toEqual([]);
        expect(received.events).toEqual(blocks.filter(hasData).map(asReceived));
        expect(received.retries).toEqual(blocks.flatMap(({ retry }) => retry ?? []));
      }),
      { numRuns: 300 },
    );
  });

  it('cut at any byte, it leaves no id without the data before it', () => {
    fc.assert(
      fc.property(eventFields, fc.nat(), (fields, place) => {
        const bytes = Buffer.from(encodeEvent({ ...fields, id: '7' }));
        const text = bytes.subarray(0, place % bytes.length).toString();
        // For clients that take an id as soon as they have read its line.
        if (/^id: 7\n/m.test(text))
          expect(parsed(`${text}\n`).events).toEqual([asReceived({ ...fields, id: '7' })]);
      }),
    );
  });

  it('heartbeats and comments between events change no event', () => {
    const between = fc.array(
      fc.oneof(
        fc.constant(':\n'),
        anyText.map((comment) => encodeEvent({ comment })),
      ),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(between, eventFields), { maxLength: 6 }), between, (parts, last) => {
        const text =
          parts.flatMap(([noise, fields]) => [...noise, encodeEvent(fields)]).join('') + last.join('');
        const received = parsed(text);
        expect(received.errors).toEqual([]);
        expect(received.events).toEqual(parts.map(([, fields]) => asReceived(fields)));
      }),
    );
  });

  it('never ends a line with anything but LF, and never begins with a BOM', () => {
    fc.assert(
      fc.property(anyFields, (fields) => {
        const text = encodeEvent(fields);
        expect(text).not.toMatch(/\r/);
        expect(text).not.toMatch(/^\ufeff/);
        if (text !== '') expect(text.endsWith('\n')).toBe(true);
      }),
    );
  });

  it.each<[string, SseFields, string]>([
    ['data alone', { data: 'text' }, 'data: text\n\n'],
    ['empty data is still an event', { data: '' }, 'data: \n\n'],
    [
      'every field, in one order',
      { comment: 'c', id: '1', retry: 5, event: 'e', data: 'd' },
      ': c\nretry: 5\nevent: e\ndata: d\nid: 1\n\n',
    ],
    ['lines of data', { data: 'a\nb\r\nc\rd' }, 'data: a\ndata: b\ndata: c\ndata: d\n\n'],
    ['a payload keeps its own leading space', { data: ' x' }, 'data:  x\n\n'],
    ['an id alone ends its block, so that it counts', { id: '7' }, 'id: 7\n\n'],
    ['an empty id resets the cursor', { id: '' }, 'id: \n\n'],
    [
      'a name without data would name the next event, and is not written',
      { event: 'e', comment: 'c' },
      ': c\n',
    ],
    ['a comment alone is one line', { comment: 'hello' }, ': hello\n'],
    ['a comment of two lines cannot leave the comment', { comment: 'a\ndata: b' }, ': a\n: data: b\n'],
    ['retry alone waits for the next event', { retry: 3000 }, 'retry: 3000\n'],
    ['nothing is nothing', {}, ''],
  ])('%s', (_name, fields, text) => {
    expect(encodeEvent(fields)).toBe(text);
  });
});

describe('what the checks let through', () => {
  // Whatever it is: refused by the check, or read back as it was. Nothing is repaired, nothing is forged.
  it('any event name is refused or read back as it was', () => {
    fc.assert(
      fc.property(anyText, (name) => {
        let event: string | undefined;
        try {
          event = checkEventName(name);
        } catch {
          if (unsafeTextReason(name) === undefined) expect(name).toMatch(/^(error|open)$|^sse:/);
          return;
        }
        const expected = { event: name === '' ? undefined : wellFormed(name), data: 'x', id: undefined };
        expect(parsed(encodeEvent({ event, data: 'x' }))).toMatchObject({ events: [expected], errors: [] });
      }),
    );
  });

  it('any id is refused or read back as it was', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.string(), fc.nat().map(String)), (id) => {
        let checked: string | undefined;
        try {
          checked = checkEventId(id);
        } catch {
          expect(id).toMatch(/[^!-~]|^.{129}/);
          return;
        }
        expect(checked).toBe(id);
        expect(parsed(encodeEvent({ id: checked, data: 'x' }))).toMatchObject({
          events: [{ id }],
          errors: [],
        });
      }),
    );
  });

  it('any number is refused as retry or read back as it was', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger()), (ms) => {
        let retry: number | undefined;
        try {
          retry = checkRetry(ms);
        } catch {
          expect(Number.isSafeInteger(ms) && ms >= 0).toBe(false);
          return;
        }
        expect(parsed(encodeEvent({ retry, data: 'x' }))).toMatchObject({
          retries: [Math.abs(ms)],
          errors: [],
        });
      }),
    );
  });
});
