import { jest } from '@jest/globals';
import { WriteTimeoutTimer, type Stallable } from './write-timeout-timer.js';

const TIMEOUT_MS = 1_000;

class Client implements Stallable {
  stalledSinceMs = performance.now();
  timedOutAfterMs: number | undefined;

  writeTimedOut(): void {
    this.timedOutAfterMs = performance.now() - this.stalledSinceMs;
  }
}

describe('the write timeout timer', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('closes each client after its own timeout, with one timer for all', () => {
    const timer = new WriteTimeoutTimer(TIMEOUT_MS);
    const clients: Client[] = [];
    for (let n = 0; n < 5; n++) {
      const client = new Client();
      clients.push(client);
      timer.add(client);
      expect(jest.getTimerCount()).toBe(1);
      jest.advanceTimersByTime(100);
    }
    jest.advanceTimersByTime(2 * TIMEOUT_MS);
    expect(clients.map(({ timedOutAfterMs }) => timedOutAfterMs)).toEqual(Array(5).fill(TIMEOUT_MS));
    expect(jest.getTimerCount()).toBe(0);
  });

  it('spares a client that reads again, and has no timer without stalled clients', () => {
    const timer = new WriteTimeoutTimer(TIMEOUT_MS);
    const [first, second] = [new Client(), new Client()];
    timer.add(first);
    timer.add(second);
    timer.delete(first);
    expect(jest.getTimerCount()).toBe(1);
    timer.delete(second);
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(2 * TIMEOUT_MS);
    expect([first.timedOutAfterMs, second.timedOutAfterMs]).toEqual([undefined, undefined]);
  });

  it('starts the timeout again for a client that made progress', () => {
    const timer = new WriteTimeoutTimer(TIMEOUT_MS);
    const [oldest, again] = [new Client(), new Client()];
    timer.add(again);
    timer.add(oldest);
    jest.advanceTimersByTime(900);
    timer.delete(again);
    again.stalledSinceMs = performance.now();
    timer.add(again);
    jest.advanceTimersByTime(100);
    expect([oldest.timedOutAfterMs, again.timedOutAfterMs]).toEqual([TIMEOUT_MS, undefined]);
    jest.advanceTimersByTime(900);
    expect(again.timedOutAfterMs).toBe(TIMEOUT_MS);
  });

  it('includes a client that stalls during the check', () => {
    const timer = new WriteTimeoutTimer(TIMEOUT_MS);
    const late = new Client();
    const first = {
      stalledSinceMs: performance.now(),
      writeTimedOut: () => {
        late.stalledSinceMs = performance.now();
        timer.add(late);
      },
    };
    timer.add(first);
    jest.advanceTimersByTime(2 * TIMEOUT_MS);
    expect(late.timedOutAfterMs).toBe(TIMEOUT_MS);
  });

  it('does nothing if switched off', () => {
    const timer = new WriteTimeoutTimer(false);
    timer.add(new Client());
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not keep the process alive', () => {
    jest.useRealTimers();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const timer = new WriteTimeoutTimer(TIMEOUT_MS);
    timer.add(new Client());
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before);
    timer.close();
  });
});
