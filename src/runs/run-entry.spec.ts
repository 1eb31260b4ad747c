import { createParser, type EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { checkEventName } from '../protocol/input/event-fields.js';
import { decodeEntry, encodeEntry, entryText, hasTextData } from './run-entry.js';

const isName = (name: string): boolean => {
  try {
    return checkEventName(name) !== undefined;
  } catch {
    return false;
  }
};
const piece = fc.oneof(
  fc.constantFrom('\r', '\n', '\r\n', '\n\n', ': ', 'data: ', 'event: x\n', 'id: 1', '\u2028', '\0'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const data = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
const event = fc.option(fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter(isName), {
  nil: undefined,
});

/** Events as a client receives them, by a parser of another project. */
function received(text: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  const parser = createParser({
    onEvent: (each) => events.push(each),
    onError: (error) => {
      throw error;
    },
  });
  parser.feed(text);
  return events;
}

describe('an entry of a run', () => {
  it('is one event with its id for a client, and the same event for the function that merges', () => {
    fc.assert(
      fc.property(event, data, fc.boolean(), (name, text, isText) => {
        const entry = encodeEntry({ event: name, data: text }, isText);
        const lines = text.replaceAll(/\r\n|\r/g, '\n');
        expect(received(entryText(entry, '3.a.1'))).toEqual([{ event: name, data: lines, id: '3.a.1' }]);
        expect(decodeEntry(entry)).toEqual({ event: name, data: lines });
        expect(hasTextData(entry)).toBe(isText);
      }),
    );
  });

  it('is the same after it was read and written again, as of two events that were merged', () => {
    fc.assert(
      fc.property(event, data, (name, text) => {
        const entry = encodeEntry({ event: name, data: text }, true);
        const decoded = decodeEntry(entry);
        expect(decoded && encodeEntry(decoded, true)).toBe(entry);
      }),
    );
  });

  it('is never merged with a comment, a reconnection time, or no data', () => {
    const fields = [{ data: 'x', comment: 'c' }, { data: 'x', retry: 5 }, { comment: 'c' }];
    for (const each of fields) {
      const entry = encodeEntry(each, true);
      expect([decodeEntry(entry), hasTextData(entry)]).toEqual([undefined, false]);
      expect(received(entryText(entry, '3.a.1')).map(({ id }) => id)).toEqual(
        each.data === undefined ? [] : ['3.a.1'],
      );
    }
  });
});
