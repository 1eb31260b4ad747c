import fc from 'fast-check';
import type { RunRecord } from '../../broker/run-store.interface.js';
import { formatRunEnd, formatRunId } from '../run-id.js';
import { followStart, hasReceivedEnd } from './follow-start.js';

const EPOCH = 'a'.repeat(16);
const OTHER = 'b'.repeat(16);
const record = (entries: number, firstKept = 1): RunRecord => ({
  epoch: EPOCH,
  state: 'running',
  startedAtMs: 1,
  entries,
  firstKept,
});

describe('the place at which a client begins', () => {
  it.each([
    ['a new client', record(5), undefined, { after: 0, gap: undefined, isResumed: false }],
    ['an empty id, as that of a new client', record(5), '', { after: 0, gap: undefined, isResumed: false }],
    ['a new client of a run that has let events go', record(5, 3), undefined, { after: 0, gap: 'trimmed' }],
    ['the newest event', record(5), formatRunId(EPOCH, 5), { after: 5, gap: undefined, isResumed: true }],
    ['an event before the oldest', record(5, 3), formatRunId(EPOCH, 2), { after: 2, gap: undefined }],
    ['an event that is followed by one let go', record(5, 3), formatRunId(EPOCH, 1), { gap: 'trimmed' }],
    ['an event that the run does not have', record(5), formatRunId(EPOCH, 6), { after: 0, gap: 'invalid' }],
    ['an event of an earlier run', record(5), formatRunId(OTHER, 2), { after: 0, gap: 'epoch' }],
    ['an event, where there is no run', undefined, formatRunId(OTHER, 2), { epoch: undefined, gap: 'epoch' }],
    ['the id of a room', record(5), '1.0a1b2c3d.hof04li35s', { after: 0, gap: 'invalid' }],
  ] as const)('is right for %s', (_what, run, id, start) => {
    expect(followStart(run, id)).toMatchObject(start);
  });

  it('never skips a stored event, and is never silent about one that is not, for any id', () => {
    const id = fc.oneof(
      fc.string(),
      fc.nat({ max: 30 }).map((index) => formatRunId(EPOCH, index)),
      fc.nat({ max: 30 }).map((index) => formatRunEnd(EPOCH, index)),
      fc.nat({ max: 30 }).map((index) => formatRunId(OTHER, index)),
    );
    fc.assert(
      fc.property(
        fc.option(id, { nil: undefined }),
        fc.nat({ max: 20 }),
        fc.nat({ max: 20 }),
        (text, all, n) => {
          const firstKept = Math.min(n, all) + 1;
          const { after, gap, isResumed, epoch } = followStart(record(all, firstKept), text);
          expect(epoch).toBe(EPOCH);
          expect(after).toBeLessThanOrEqual(all);
          // A client that continues has what is before; any other begins with the first one.
          if (!isResumed) expect(after).toBe(0);
          if (after + 1 < firstKept) expect(gap).toBeDefined();
          if (isResumed) expect(gap === undefined).toBe(after + 1 >= firstKept);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('does not matter to a client that has received the end, of whichever run', () => {
    expect([EPOCH, OTHER].map((epoch) => hasReceivedEnd(formatRunEnd(epoch, 5)))).toEqual([true, true]);
    expect([undefined, '', formatRunId(EPOCH, 5), 'x.end'].map(hasReceivedEnd)).toEqual(Array(4).fill(false));
  });
});
