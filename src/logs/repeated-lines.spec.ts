import { jest } from '@jest/globals';
import { RepeatedLines } from './repeated-lines.js';

describe('RepeatedLines', () => {
  let written: string[];
  let lines: RepeatedLines;

  beforeEach(() => {
    jest.useFakeTimers();
    written = [];
    lines = new RepeatedLines();
  });
  afterEach(() => jest.useRealTimers());

  const log = (kind: string): void =>
    lines.log(kind, 'group', (repeated) => written.push(`${kind}.${repeated}`));

  it('writes the first line at once, then one in ten seconds with the number of the others', () => {
    for (let n = 0; n < 1_000; n++) log('a');
    expect(written).toEqual(['a.']);
    jest.advanceTimersByTime(10_000);
    expect(written).toEqual(['a.', 'a. It happened 999 more times within 10 s.']);
    log('a');
    jest.advanceTimersByTime(9_999);
    expect(written).toHaveLength(2);
    jest.advanceTimersByTime(1);
    expect(written.at(-1)).toBe('a. It happened 1 more times within 10 s.');
  });

  it('writes at once again after ten seconds without the line, and keeps no timer meanwhile', () => {
    log('a');
    jest.advanceTimersByTime(10_000);
    expect(jest.getTimerCount()).toBe(0);
    log('a');
    expect(written).toEqual(['a.', 'a.']);
  });

  it('tells kinds apart, at most 100 at a time, and writes the others of a group as one', () => {
    for (let n = 0; n < 1_000; n++) log(`kind ${n}`);
    expect(written).toHaveLength(101);
    jest.advanceTimersByTime(10_000);
    expect(written).toHaveLength(102);
    expect(written.at(-1)).toContain('899 more times');
    log('kind 1001');
    expect(written).toHaveLength(103);
  });

  it('survives a log that fails', () => {
    lines.log('a', 'group', fail);
    lines.log('a', 'group', fail);
    jest.advanceTimersByTime(10_000);
    log('b');
    expect(written).toEqual(['b.']);
  });
});

function fail(): never {
  throw new Error('the disk is full');
}
