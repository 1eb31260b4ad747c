import { Judge, type ClientRecord, type ReceivedItem } from './judge.js';
import { EXACT_WITHOUT_GAPS, type Verdict } from './verdict.js';

/** An event of one letter in one room; the position of `a` is 1, that of `b` is 2. */
const positionOf = (key: string): number => key.charCodeAt(0) - 96;
const event = (key: string, position?: number): ReceivedItem =>
  position === undefined ? { kind: 'event', key } : { kind: 'event', key, position };
const gap = (until: string, ...rooms: string[]): ReceivedItem => ({
  kind: 'gap',
  rooms,
  until: () => positionOf(until),
});

/** A gap that covers events up to this position, in each partition. */
const gapAt = (until: number, ...rooms: string[]): ReceivedItem => ({
  kind: 'gap',
  rooms,
  until: () => until,
});

/** An event in one room of a partition. */
const inPartition = (partition: number, key: string, position: number, room: string) => ({
  key,
  rooms: [room],
  positions: new Map([[partition, position]]),
});

/** Judges one client of the rooms `one` and `two`, with the events `a` and `c` in `one`, `b` in `two`, `d` in both. */
function judge(received: readonly ReceivedItem[], record: Partial<ClientRecord> = {}): Verdict {
  const judging = new Judge();
  const rooms = { a: ['one'], b: ['two'], c: ['one'], d: ['one', 'two'], e: ['three'] };
  for (const [key, of] of Object.entries(rooms)) {
    judging.add({ key, rooms: of, positions: new Map([[0, positionOf(key)]]) });
  }
  const start = new Map([[0, 0]]);
  return judging.judge([{ rooms: ['one', 'two'], start, received, isComplete: true, ...record }]);
}

describe('the judge', () => {
  it('finds nothing where each event was received once and in order', () => {
    expect(judge(['a', 'b', 'c', 'd'].map((key) => event(key)))).toEqual({
      ...EXACT_WITHOUT_GAPS,
      deliveries: 4,
    });
  });

  it('counts an event that was never received as lost, once for each room', () => {
    expect(judge([event('a'), event('c'), event('d')])).toMatchObject({ silentLosses: 1 });
    expect(judge([event('a'), event('b'), event('c')])).toMatchObject({ silentLosses: 2 });
    expect(judge([])).toMatchObject({ silentLosses: 5, deliveries: 0 });
  });

  it('does not expect events up to the start, nor after a record that ends early', () => {
    expect(judge([event('d')], { start: new Map([[0, 3]]) })).toMatchObject(EXACT_WITHOUT_GAPS);
    expect(judge([event('a'), event('b')], { isComplete: false })).toMatchObject(EXACT_WITHOUT_GAPS);
    expect(judge([event('c')], { isComplete: false })).toMatchObject({ silentLosses: 1 });
    expect(judge([], { isComplete: false, start: undefined })).toMatchObject(EXACT_WITHOUT_GAPS);
    expect(judge([], { start: undefined })).toMatchObject({ silentLosses: 5 });
  });

  it('takes a loss as announced only by a gap of its room that covers it and precedes anything newer', () => {
    const rest = [event('b'), event('d')];
    expect(judge([event('a'), gap('c', 'one'), ...rest])).toMatchObject({
      announcedLosses: 1,
      silentLosses: 0,
      gaps: 1,
    });
    for (const received of [
      [event('a'), gap('c', 'two'), ...rest],
      [event('a'), gap('b', 'one'), ...rest],
      [event('a'), ...rest, gap('d', 'one')],
    ]) {
      expect(judge(received)).toMatchObject({ announcedLosses: 0, silentLosses: 1, gaps: 1 });
    }
  });

  it('separates duplicates from events that are received again after a gap in all of their rooms', () => {
    const all = ['a', 'b', 'c', 'd'].map((key) => event(key));
    expect(judge([...all, event('d')])).toMatchObject({ duplicates: 1, duplicatesAfterGap: 0 });
    expect(judge([...all, gap('d', 'one'), event('d')])).toMatchObject({ duplicates: 1 });
    expect(judge([...all, gap('d', 'one', 'two'), event('d')])).toMatchObject({
      duplicates: 0,
      duplicatesAfterGap: 1,
    });
  });

  it('separates retries, which have another position, from events that are received again at the same one', () => {
    const all = ['a', 'b', 'c', 'd'].map((key) => event(key));
    const again = (position?: number): Verdict =>
      judge([...all, gap('d', 'one', 'two'), event('d', position)]);
    expect(again()).toMatchObject({ duplicatesAfterGap: 1, repeatedAfterGap: 1 });
    expect(again(9)).toMatchObject({ duplicatesAfterGap: 1, repeatedAfterGap: 0 });
  });

  it('finds events out of order, also across rooms', () => {
    const received = [event('b'), event('a'), event('c'), event('d')];
    expect(judge(received)).toMatchObject({ outOfOrder: 1, lateAfterGap: 0, silentLosses: 0 });
    expect(judge([event('b'), gap('b', 'two'), event('a'), event('c'), event('d')])).toMatchObject({
      outOfOrder: 0,
      lateAfterGap: 1,
    });
    expect(judge([event('c'), gap('c', 'two'), event('a'), event('b'), event('d')])).toMatchObject({
      outOfOrder: 1,
      lateAfterGap: 1,
    });
    expect(judge([event('c'), gap('c', 'one'), event('a'), event('b'), event('d')])).toMatchObject({
      outOfOrder: 0,
      lateAfterGap: 2,
    });
  });

  it('orders an event by the position under which it was delivered', () => {
    expect(judge([event('a'), event('b'), event('d', 3), event('c', 4)])).toMatchObject(EXACT_WITHOUT_GAPS);
  });

  it('finds events of rooms that the client was not in, and events that were never published', () => {
    const received = ['a', 'b', 'c', 'd', 'e', 'z'].map((key) => event(key));
    expect(judge(received)).toMatchObject({ ...EXACT_WITHOUT_GAPS, foreign: 2 });
  });

  it('expects an event in several partitions once, and not from a client that connected between its copies', () => {
    const judging = new Judge((room) => (room === 'one' ? 0 : 1));
    judging.add({
      key: 'copied',
      rooms: ['one', 'two'],
      positions: new Map([
        [0, 5],
        [1, 6],
      ]),
    });
    const judgeFrom = (first: number, second: number, ...received: ReceivedItem[]): Verdict => {
      const start = new Map([
        [0, first],
        [1, second],
      ]);
      return judging.judge([{ rooms: ['one', 'two'], start, received, isComplete: true }]);
    };
    expect(judgeFrom(1, 1)).toMatchObject({ silentLosses: 1 });
    expect(judgeFrom(1, 1, event('copied'))).toMatchObject(EXACT_WITHOUT_GAPS);
    expect(judgeFrom(1, 1, event('copied'), event('copied'))).toMatchObject({ duplicates: 1 });
    expect(judgeFrom(5, 1)).toMatchObject(EXACT_WITHOUT_GAPS);
    expect(judgeFrom(5, 1, event('copied'), event('copied'))).toMatchObject({ duplicates: 1 });
    expect(judgeFrom(5, 6)).toMatchObject(EXACT_WITHOUT_GAPS);
  });

  describe('of an event in two partitions that was lost', () => {
    /** The room `one` is in partition 0, `two` in partition 1. The event `lost` has position 50 in both. */
    const judgeLoss = (...received: ReceivedItem[]): Verdict => {
      const judging = new Judge((room) => (room === 'one' ? 0 : 1));
      judging.add(inPartition(0, 'old', 40, 'one'));
      judging.add({
        key: 'lost',
        rooms: ['one', 'two'],
        positions: new Map([
          [0, 50],
          [1, 50],
        ]),
      });
      judging.add(inPartition(0, 'newer in one', 60, 'one'));
      judging.add(inPartition(1, 'newer in two', 60, 'two'));
      const start = new Map([
        [0, 1],
        [1, 1],
      ]);
      return judging.judge([
        { rooms: ['one', 'two'], start, received: [event('old'), ...received], isComplete: true },
      ]);
    };
    const [newerInOne, newerInTwo] = [event('newer in one'), event('newer in two')];

    it('accepts a gap of both rooms behind newer events of the later room, as the event was still to come from the earlier', () => {
      expect(judgeLoss(newerInTwo, gapAt(70, 'one', 'two'), newerInOne)).toMatchObject({
        announcedLosses: 1,
        silentLosses: 0,
      });
    });

    it('accepts a gap of each room before anything newer of it', () => {
      for (const received of [
        [gapAt(70, 'one', 'two'), newerInOne, newerInTwo],
        [gapAt(70, 'one'), newerInOne, gapAt(70, 'two'), newerInTwo],
      ])
        expect(judgeLoss(...received)).toMatchObject({ announcedLosses: 1, silentLosses: 0 });
    });

    it.each([
      [
        'the later room only after another outage',
        [newerInTwo, gapAt(70, 'one'), gapAt(70, 'two'), newerInOne],
      ],
      [
        'the later room only after newer events of both',
        [gapAt(70, 'one'), newerInTwo, newerInOne, gapAt(70, 'one', 'two')],
      ],
      [
        'both rooms only after a newer event of the earlier',
        [newerInOne, gapAt(70, 'one', 'two'), newerInTwo],
      ],
      ['both rooms before the event was published', [gapAt(45, 'one', 'two'), newerInTwo, newerInOne]],
      ['the earlier room only', [newerInTwo, gapAt(70, 'one'), newerInOne]],
      ['the later room only', [gapAt(70, 'two'), newerInTwo, newerInOne]],
    ])('takes the loss for silent where a gap names %s', (_, received) => {
      expect(judgeLoss(...received)).toMatchObject({ announcedLosses: 0, silentLosses: 1 });
    });
  });
});
