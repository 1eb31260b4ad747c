import fc from 'fast-check';
import { formatRunEnd, formatRunId, newRunEpoch, parseRunId } from './run-id.js';

const epoch = fc.stringMatching(/^[0-9a-z]{16}$/);
/** The highest index with ten digits in base 36. */
const MAX_INDEX = 36 ** 10 - 1;
const index = fc.oneof(fc.nat(), fc.constantFrom(0, 1, MAX_INDEX));

describe('the id of an event of a run', () => {
  it('is read as it was written, that of the end too', () => {
    fc.assert(
      fc.property(epoch, index, (name, n) => {
        expect(parseRunId(formatRunId(name, n))).toEqual({ epoch: name, index: n, isEnd: false });
        expect(parseRunId(formatRunEnd(name, n))).toEqual({ epoch: name, index: n, isEnd: true });
      }),
    );
  });

  it('has one form: any other text is refused, whatever a client sends', () => {
    const nearly = fc
      .tuple(
        fc.constantFrom('3.', '2.', '3', ''),
        fc.stringMatching(/^[0-9a-zA-Z]{15,17}$/),
        fc.constantFrom('.', ''),
        fc.stringMatching(/^[-+ 0-9a-zA-Z.]{0,12}$/),
        fc.constantFrom('', '.end', '.END', '\n', '.end '),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), (text) => {
        const point = parseRunId(text);
        if (point === undefined) return;
        const { epoch: name, index: n, isEnd } = point;
        expect(isEnd ? formatRunEnd(name, n) : formatRunId(name, n)).toBe(text);
      }),
      { numRuns: 2_000 },
    );
    const of = 'a'.repeat(16);
    for (const text of [`3.${of}.01`, `3.${of}.-1`, `3.${of}.1\n`, `1.${of}.1`, `3.${of}.00000000000`])
      expect(parseRunId(text)).toBeUndefined();
  });

  it('travels in a Last-Event-ID header, of a new epoch for each start', () => {
    const epochs = Array.from({ length: 50 }, newRunEpoch);
    expect(new Set(epochs).size).toBe(50);
    for (const each of epochs) expect(formatRunEnd(each, MAX_INDEX)).toMatch(/^[\x21-\x7e]{1,128}$/);
  });
});
