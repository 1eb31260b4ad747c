import { jest } from '@jest/globals';
import { PublishJournal, type JournalEntry } from './publish-journal.js';

function entry(position: number, epoch = 'old', data = 'x'): JournalEntry {
  return {
    rooms: ['a'],
    event: { data, serialized: false },
    options: { idempotencyKey: `key ${position}` },
    epoch,
    position,
  };
}

const positions = (journal: PublishJournal, epoch = 'new'): number[] =>
  journal.ofOtherEpochs(epoch).map(({ position }) => position);

describe('the events with an idempotency key that a node has published', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('are those of other epochs, in the order of their positions', () => {
    const journal = new PublishJournal(1_000, 10_000);
    for (const each of [entry(3), entry(1), entry(2, 'new'), entry(4, 'older')]) journal.add(each);
    expect(positions(journal)).toEqual([1, 3, 4]);
    journal.close();
  });

  it('are remembered for a time, also where nothing more is published', () => {
    const journal = new PublishJournal(1_000, 10_000);
    journal.add(entry(1));
    jest.advanceTimersByTime(600);
    journal.add(entry(2));
    jest.advanceTimersByTime(600);
    expect(positions(journal)).toEqual([2]);
    jest.advanceTimersByTime(2_000);
    expect(journal.isEmpty).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('are remembered up to a number of bytes, the newest ones', () => {
    const journal = new PublishJournal(1_000, 3_000);
    for (let n = 1; n <= 5; n++) journal.add(entry(n, 'old', 'x'.repeat(1_000)));
    expect(positions(journal)).toEqual([5]);
    journal.close();
  });

  it('are not remembered at all where that is switched off', () => {
    const journal = new PublishJournal(false, 10_000);
    journal.add(entry(1));
    expect(journal.isEmpty).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });
});
