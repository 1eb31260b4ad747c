import * as fc from 'fast-check';
import { unchecked } from '../../../test/support/refusal.js';
import { SseFrame } from '../../protocol/sse-frame.js';
import type { ResponseWriter } from '../response/response-writer.js';
import { StalledQueue } from './stalled-queue.js';

const PIECE_BYTES = 16_384;

function frame(text: string, volatileKey?: string): SseFrame {
  return new SseFrame(text, { volatileKey });
}

function textsOf(frames: readonly SseFrame[]): string[] {
  return frames.map(({ bytes }) => bytes.toString());
}

/** A writer whose socket is full after `accepts` writes. */
class FakeWriter {
  readonly writes: string[][] = [];
  constructor(private readonly accepts: number) {}

  writeFrames(frames: readonly SseFrame[]): boolean {
    this.writes.push(textsOf(frames));
    return this.writes.length <= this.accepts;
  }

  get asWriter(): ResponseWriter {
    return unchecked(this);
  }
}

describe('the queue of a client that does not read', () => {
  it('copies frames out of the memory blocks that Node shares', () => {
    const queue = new StalledQueue(0, 0);
    for (const each of [frame('a'), frame('v', 'k')]) queue.add(each, Infinity);
    for (const { chunked } of queue.take(Infinity)) expect(chunked.buffer.byteLength).toBe(chunked.length);
  });

  it('returns frames in the order of arrival, and of volatile ones the newest of each key', () => {
    const queue = new StalledQueue(0, 0);
    const frames = [
      frame('v1', 'k'),
      frame('a'),
      frame('v2', 'k'),
      frame('w1', 'other'),
      frame('b'),
      frame('v3', 'k'),
      frame('c'),
    ];
    const outcomes = frames.map((each) => queue.add(each, Infinity));
    expect(outcomes).toEqual([
      'queued',
      'queued',
      'replaced-older',
      'queued',
      'queued',
      'replaced-older',
      'queued',
    ]);
    expect(textsOf(queue.take(Infinity))).toEqual(['a', 'w1', 'b', 'v3', 'c']);
    expect(queue.take(Infinity)).toEqual([]);
  });

  it('returns volatile frames first that arrived first', () => {
    const queue = new StalledQueue(0, 0);
    for (const each of [frame('v', 'k'), frame('w', 'l'), frame('a')]) queue.add(each, Infinity);
    expect(textsOf(queue.take(Infinity))).toEqual(['v', 'w', 'a']);
  });

  it('queues a volatile frame that arrives through two rooms once', () => {
    const queue = new StalledQueue(0, 0);
    const once = frame('v', 'k');
    expect([queue.add(once, 10), queue.add(once, 10)]).toEqual(['queued', 'queued']);
    expect(queue.byteLength).toBe(1);
    expect(textsOf(queue.take(Infinity))).toEqual(['v']);
  });

  it('overflows over its limit, but only drops a volatile frame', () => {
    const queue = new StalledQueue(0, 0);
    expect(queue.add(frame('12345'), 5)).toBe('queued');
    expect(queue.add(frame('1'), 0)).toBe('overflow');
    expect(queue.add(frame('1', 'k'), 0)).toBe('dropped');
    expect(queue.add(frame('123', 'k'), 3)).toBe('queued');
    // Only the added bytes count, since the older frame is dropped.
    expect(queue.add(frame('abc', 'k'), 0)).toBe('replaced-older');
    expect(queue.add(frame('abcd', 'k'), 0)).toBe('dropped');
    expect(queue.byteLength).toBe(8);
    expect(textsOf(queue.take(Infinity))).toEqual(['12345', 'abc']);
  });

  it('is taken in pieces of at least one frame and otherwise at most maxBytes', () => {
    const queue = new StalledQueue(0, 0);
    for (const each of ['123456', '12', '34', '5', '678901']) queue.add(frame(each), Infinity);
    expect(textsOf(queue.take(4))).toEqual(['123456']);
    expect(queue.byteLength).toBe(11);
    expect(textsOf(queue.take(4))).toEqual(['12', '34']);
    queue.add(frame('late'), Infinity);
    expect(textsOf(queue.take(4))).toEqual(['5']);
    expect(textsOf(queue.take(4))).toEqual(['678901']);
    expect(textsOf(queue.take(4))).toEqual(['late']);
    expect([queue.take(4), queue.byteLength]).toEqual([[], 0]);
  });

  it('loses, doubles and reorders nothing, and counts its bytes, for any sequence of add and take', () => {
    const step = fc.oneof(
      fc.record({
        key: fc.option(fc.nat({ max: 2 }).map(String), { nil: undefined }),
        length: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({ takes: fc.integer({ min: 1, max: 30 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new StalledQueue(0, 0);
        let fresh: SseFrame[] = [];
        let going: SseFrame[] = [];
        for (const now of steps) {
          if ('takes' in now) {
            if (going.length === 0) [going, fresh] = [fresh, []];
            const taken = queue.take(now.takes);
            expect(taken).toEqual(going.splice(0, taken.length));
            expect(taken.length > 0 || going.length === 0).toBe(true);
            if (taken.length > 1) expect(bytesOf(taken)).toBeLessThanOrEqual(now.takes);
          } else {
            const next = frame('x'.repeat(now.length), now.key);
            queue.add(next, Infinity);
            if (now.key !== undefined) fresh = fresh.filter(({ volatileKey }) => volatileKey !== now.key);
            fresh.push(next);
          }
          expect(queue.byteLength).toBe(bytesOf([...going, ...fresh]));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is written piece by piece until the socket is full again', () => {
    const queue = new StalledQueue(0, 0);
    const half = 'x'.repeat(PIECE_BYTES / 2);
    for (let n = 0; n < 7; n++) queue.add(frame(half), Infinity);
    const full = new FakeWriter(1);
    expect(queue.drainInto(full.asWriter)).toBe(false);
    expect(full.writes.map(({ length }) => length)).toEqual([2, 2]);
    const reading = new FakeWriter(Infinity);
    expect(queue.drainInto(reading.asWriter)).toBe(true);
    expect(reading.writes.map(({ length }) => length)).toEqual([2, 1]);
    expect(queue.byteLength).toBe(0);
  });

  it('is emptied into a full socket if the stream is about to end', () => {
    const queue = new StalledQueue(0, 0);
    queue.add(frame('a'), Infinity);
    queue.take(1);
    for (const each of ['b', 'c']) queue.add(frame(each), Infinity);
    const writer = new FakeWriter(0);
    queue.emptyInto(writer.asWriter);
    expect(writer.writes.flat()).toEqual(['b', 'c']);
  });

  it('resolves each caller of released once', async () => {
    const queue = new StalledQueue(0, 0);
    const order: string[] = [];
    const waiting = ['a', 'b'].map((name) => queue.released().then(() => order.push(name)));
    await Promise.resolve();
    expect(order).toEqual([]);
    queue.release();
    queue.release();
    await Promise.all(waiting);
    expect(order).toEqual(['a', 'b']);
  });
});

function bytesOf(frames: readonly SseFrame[]): number {
  return frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
