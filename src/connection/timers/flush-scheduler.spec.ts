import { jest } from '@jest/globals';
import { EMPTY_BATCH } from '../queue/batch.js';
import { FlushScheduler, type Flushable } from './flush-scheduler.js';
import { SseFrame } from '../../protocol/sse-frame.js';

const SLICE = 512;

/** Runs the callbacks of this turn, and leaves those of the next. */
function oneTurn(): void {
  jest.advanceTimersByTime(0);
}

class Client implements Flushable {
  flushes = 0;
  nowMs = -1;
  constructor(private readonly onFlush: () => void = () => {}) {}

  flush(nowMs: number): void {
    this.flushes++;
    this.nowMs = nowMs;
    this.onFlush();
  }
}

function clients(count: number, onFlush?: () => void): Client[] {
  return Array.from({ length: count }, () => new Client(onFlush));
}

describe('the flush', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('runs once for all clients at the end of the turn, in the order of scheduling', () => {
    const flushes = new FlushScheduler(false);
    const order: number[] = [];
    for (let n = 0; n < 3; n++) flushes.schedule(new Client(() => order.push(n)));
    expect([order, jest.getTimerCount()]).toEqual([[], 1]);
    jest.runAllTicks();
    expect(order).toEqual([]);
    oneTurn();
    expect([order, jest.getTimerCount()]).toEqual([[0, 1, 2], 0]);
  });

  it('serves a client that schedules again during a flush in the next one', () => {
    const flushes = new FlushScheduler(false);
    const again = new Client(() => again.flushes < 3 && flushes.schedule(again));
    flushes.schedule(again);
    const turns: number[] = [];
    while (jest.getTimerCount() > 0) {
      jest.runOnlyPendingTimers();
      turns.push(again.flushes);
    }
    expect(turns).toEqual([1, 2, 3]);
  });

  it('yields to other work between slices of many clients', () => {
    const flushes = new FlushScheduler(false);
    const waiting = clients(2 * SLICE + 10);
    const seen: number[] = [];
    const look = (): void => {
      seen.push(waiting.filter(({ flushes: count }) => count > 0).length);
      if (seen.length < 4) setImmediate(look);
    };
    for (const client of waiting) flushes.schedule(client);
    setImmediate(look);
    jest.runAllTimers();
    expect(seen).toEqual([SLICE, 2 * SLICE, waiting.length, waiting.length]);
    expect(waiting.every(({ flushes: count }) => count === 1)).toBe(true);
  });

  it('serves a client scheduled between slices after the earlier ones', () => {
    const flushes = new FlushScheduler(false);
    const order: string[] = [];
    const late = new Client(() => order.push('late'));
    for (const client of clients(SLICE + 1, () => order.push('early'))) flushes.schedule(client);
    jest.runOnlyPendingTimers();
    flushes.schedule(late);
    jest.runAllTimers();
    expect(order).toEqual([...Array<string>(SLICE + 1).fill('early'), 'late']);
  });

  it('runs after flushIntervalMs if it is set, for all clients scheduled meanwhile', () => {
    const flushes = new FlushScheduler(50);
    const [one, two] = clients(2);
    flushes.schedule(one as Client);
    jest.advanceTimersByTime(49);
    flushes.schedule(two as Client);
    expect([one?.flushes, two?.flushes]).toEqual([0, 0]);
    jest.advanceTimersByTime(1);
    expect([one?.flushes, two?.flushes]).toEqual([1, 1]);
    flushes.schedule(one as Client);
    jest.advanceTimersByTime(49);
    expect(one?.flushes).toBe(1);
    jest.advanceTimersByTime(1);
    expect(one?.flushes).toBe(2);
  });

  it('passes the time in whole milliseconds', () => {
    const flushes = new FlushScheduler(false);
    const client = new Client();
    jest.advanceTimersByTime(7);
    flushes.schedule(client);
    jest.runAllTimers();
    expect(client.nowMs).toBe(Math.floor(performance.now()));
  });

  it('continues with the other clients if one throws', () => {
    const flushes = new FlushScheduler(false);
    const [before, after] = clients(2);
    const broken = new Client(() => {
      throw new Error('a middleware failed');
    });
    for (const client of [before, broken, after]) flushes.schedule(client as Client);
    expect(() => jest.runAllTimers()).toThrow('a middleware failed');
    jest.runAllTimers();
    expect([before?.flushes, broken.flushes, after?.flushes]).toEqual([1, 1, 1]);
    flushes.schedule(after as Client);
    jest.runAllTimers();
    expect(after?.flushes).toBe(2);
  });

  it('releases the last batch if nothing waits', () => {
    const frame = new SseFrame('data: x\n\n');
    const flushes = new FlushScheduler(false);
    const before = EMPTY_BATCH.append(frame);
    flushes.schedule(new Client());
    jest.runAllTimers();
    expect(EMPTY_BATCH.append(frame)).not.toBe(before);
  });
});
