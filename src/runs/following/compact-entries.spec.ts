import fc from 'fast-check';
import { encodeEntry, type RunEntry } from '../run-entry.js';
import type { MergeRunEvents } from '../run-options.interface.js';
import { compactEntries } from './compact-entries.js';

const text = (data: string, event?: string): RunEntry => encodeEntry({ event, data }, true);
const json = (data: string): RunEntry => encodeEntry({ data }, false);
const refuse = (error: unknown): void => {
  throw error;
};
const join: MergeRunEvents = (earlier, later) => ({ ...later, data: earlier.data + later.data });
const dataOf = (entry: RunEntry): string => /data: (.*)\n$/.exec(entry)?.[1] ?? '';

describe('compactEntries', () => {
  it('joins neighbouring texts of one name, under the index of the last one', () => {
    const entries = [
      text('a', 'x'),
      text('b', 'x'),
      text('c'),
      json('1'),
      json('2'),
      text('d'),
      text('e\nf'),
    ];
    expect(compactEntries(entries, 7, 'concat', refuse)).toEqual([
      { entry: text('ab', 'x'), index: 8 },
      { entry: text('c'), index: 9 },
      { entry: json('1'), index: 10 },
      { entry: json('2'), index: 11 },
      { entry: text('de\nf'), index: 13 },
    ]);
  });

  it('keeps events with other fields apart, and stops merging at 64 KiB', () => {
    const comment = encodeEntry({ comment: 'c', data: 'x' }, true);
    expect(compactEntries([text('a'), comment, text('b')], 1, 'concat', refuse)).toHaveLength(3);
    const half = 'x'.repeat(32_768);
    const halves = [text(half), text(half), text('y')];
    expect(compactEntries(halves, 1, 'concat', refuse).map(({ index }) => index)).toEqual([2, 3]);
  });

  it('keeps two events apart where the function throws, returns a promise, or no event', () => {
    const answers: unknown[] = [
      new Error('on purpose'),
      Promise.reject(new Error('late')),
      7,
      { data: 1 },
      null,
    ];
    const failures: unknown[] = [];
    for (const answer of answers) {
      const merge = (): never => {
        if (answer instanceof Error) throw answer;
        return answer as never;
      };
      expect(compactEntries([text('a'), text('b')], 1, merge, (error) => failures.push(error))).toHaveLength(
        2,
      );
    }
    expect(failures).toHaveLength(answers.length);
  });

  it('loses and repeats no character, for random texts and random names, whatever the first index', () => {
    const event = fc.record({
      name: fc.constantFrom(undefined, 'a', 'b'),
      data: fc.string(),
      isText: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event), fc.nat(), fc.boolean(), (events, before, byFunction) => {
        const entries = events.map(({ name, data, isText }) =>
          encodeEntry({ event: name, data: data.replaceAll(/[\r\n]/g, '') }, isText),
        );
        const compacted = compactEntries(entries, before + 1, byFunction ? join : 'concat', refuse);
        expect(compacted.map(({ entry }) => dataOf(entry)).join('')).toBe(entries.map(dataOf).join(''));
        expect(compacted.at(-1)?.index ?? before).toBe(before + entries.length);
        let covered = before;
        for (const { entry, index } of compacted) {
          const own = entries.slice(covered - before, index - before).map(dataOf);
          expect(dataOf(entry)).toBe(own.join(''));
          covered = index;
        }
      }),
    );
  });
});
