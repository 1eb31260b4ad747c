import { judgeUse, type Received, type UseRecord } from './tabs-judge.js';

const PUBLISHED = [10, 20, 30, 40, 50];

function judge(received: readonly Received[], more: Partial<UseRecord> = {}): string[] {
  return judgeUse({ tab: 'a', room: 'r', from: 2, isOpen: true, received, ...more }, PUBLISHED);
}

describe('the judge of tabs', () => {
  it('accepts every event from the join on, and any of those before it', () => {
    expect(judge([2, 3, 4])).toEqual([]);
    expect(judge([0, 2, 3, 4])).toEqual([]);
    expect(judge([0, 1, 2, 3, 4])).toEqual([]);
    expect(judge([2], { isOpen: false })).toEqual([]);
    expect(judge([], { from: 5 })).toEqual([]);
  });

  it('finds lost, repeated and disordered events', () => {
    expect(judge([2, 4])).toEqual(['a lost 3 of r']);
    expect(judge([3, 4])).toEqual(['a lost 2 of r']);
    expect(judge([2, 3])).toEqual(['a lost 4 of r']);
    expect(judge([])).toEqual(['a lost 2 of r', 'a lost 3 of r', 'a lost 4 of r']);
    expect(judge([2, 3, 3, 4])).toEqual(['a received 3 of r behind 3']);
    expect(judge([2, 4, 3])).toEqual(['a lost 3 of r', 'a received 3 of r behind 4']);
  });

  it('excuses by a gap what was published before it, and nothing else', () => {
    expect(judge([2, { gapAtMs: 45 }, 4])).toEqual([]);
    expect(judge([2, 4, { gapAtMs: 60 }])).toEqual([]);
    expect(judge([2, { gapAtMs: 35 }, 4])).toEqual(['a lost 3 of r']);
    expect(judge([2, { gapAtMs: 45 }, 3, 3, 4])).toEqual(['a received 3 of r behind 3']);
  });
});
