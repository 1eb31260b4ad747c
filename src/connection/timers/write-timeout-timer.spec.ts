import { jest } from '@jest/globals';
import { WriteTimeoutTimer, type Stallable } from './write-timeout-timer.js';

const TIMEOUT_MS = 1_000;

class Client implements Stallable {
  stalledSinceMs = performance.now();
  timedOutAfterMs: number | undefined;

  stallTimedOut(): void {
    this.timedOutAfterMs = performance.now() - this.stalledSinceMs;
  }
}

describe('the watch over stalled clients', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('finds each when its own time is over, with one timer for all', () => {
    const watch = new WriteTimeoutTimer(TIMEOUT_MS);
    const clients: Client[] = [];
    for (let n = 0; n < 5; n++) {
      const client = new Client();
      clients.push(client);
      watch.add(client);
      expect(jest.getTimerCount()).toBe(1);
      jest.advanceTimersByTime(100);
    }
    jest.advanceTimersByTime(2 * TIMEOUT_MS);
    expect(clients.map(({ timedOutAfterMs }) => timedOutAfterMs)).toEqual(Array(5).fill(TIMEOUT_MS));
    expect(jest.getTimerCount()).toBe(0);
  });

  it('leaves alone who reads again, and keeps no timer when nobody is stalled', () => {
    const watch = new WriteTimeoutTimer(TIMEOUT_MS);
    const [first, second] = [new Client(), new Client()];
    watch.add(first);
    watch.add(second);
    watch.delete(first);
    expect(jest.getTimerCount()).toBe(1);
    watch.delete(second);
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(2 * TIMEOUT_MS);
    expect([first.timedOutAfterMs, second.timedOutAfterMs]).toEqual([undefined, undefined]);
  });

  it('counts anew for who took something and stalled again', () => {
    const watch = new WriteTimeoutTimer(TIMEOUT_MS);
    const [oldest, again] = [new Client(), new Client()];
    watch.add(again);
    watch.add(oldest);
    jest.advanceTimersByTime(900);
    watch.delete(again);
    again.stalledSinceMs = performance.now();
    watch.add(again);
    jest.advanceTimersByTime(100);
    expect([oldest.timedOutAfterMs, again.timedOutAfterMs]).toEqual([TIMEOUT_MS, undefined]);
    jest.advanceTimersByTime(900);
    expect(again.timedOutAfterMs).toBe(TIMEOUT_MS);
  });

  it('who is stalled while it looks is not forgotten', () => {
    const watch = new WriteTimeoutTimer(TIMEOUT_MS);
    const late = new Client();
    const first = {
      stalledSinceMs: performance.now(),
      stallTimedOut: () => {
        late.stalledSinceMs = performance.now();
        watch.add(late);
      },
    };
    watch.add(first);
    jest.advanceTimersByTime(2 * TIMEOUT_MS);
    expect(late.timedOutAfterMs).toBe(TIMEOUT_MS);
  });

  it('switched off, it watches nobody', () => {
    const watch = new WriteTimeoutTimer(false);
    watch.add(new Client());
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not keep the process alive', () => {
    jest.useRealTimers();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const watch = new WriteTimeoutTimer(TIMEOUT_MS);
    watch.add(new Client());
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before);
    watch.close();
  });
});
