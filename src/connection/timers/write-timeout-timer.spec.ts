import { jest } from '@jest/globals';
import type { ReadUnacknowledgedBytes, TcpConnection } from './unacknowledged-bytes.js';
import { WriteTimeoutTimer, type Stallable } from './write-timeout-timer.js';

const TIMEOUT_MS = 1_000;

class Client implements Stallable {
  stalledSinceMs = performance.now();
  timedOutAfterMs: number | undefined;
  readonly connection = {};

  progressed(nowMs: number): void {
    this.stalledSinceMs = nowMs;
  }

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
    const first = new Client();
    first.writeTimedOut = () => {
      late.stalledSinceMs = performance.now();
      timer.add(late);
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

  describe('with the unacknowledged bytes of each connection', () => {
    let bytes: Map<TcpConnection, number>;
    let reads: number;
    const looking: ReadUnacknowledgedBytes = async (connections) => {
      reads++;
      await new Promise((resolve) => setTimeout(resolve, 10));
      return new Map([...connections].flatMap((one) => (bytes.has(one) ? [[one, bytes.get(one) ?? 0]] : [])));
    };

    beforeEach(() => {
      bytes = new Map();
      reads = 0;
    });

    /** Adds a stalled client of which the kernel holds so many bytes. */
    function stalled(timer: WriteTimeoutTimer, unacknowledged?: number): Client {
      const client = new Client();
      if (unacknowledged !== undefined) bytes.set(client.connection, unacknowledged);
      timer.add(client);
      return client;
    }

    it('spares a client for as long as its bytes become fewer, and closes it a timeout after the last', async () => {
      const timer = new WriteTimeoutTimer(TIMEOUT_MS, looking);
      const client = stalled(timer, 1_000_000);
      for (let n = 0; n < 10; n++) {
        await jest.advanceTimersByTimeAsync(TIMEOUT_MS * 0.9);
        expect(client.timedOutAfterMs).toBeUndefined();
        bytes.set(client.connection, 900_000 - n);
      }
      await jest.advanceTimersByTimeAsync(TIMEOUT_MS * 0.9);
      expect(client.timedOutAfterMs).toBeUndefined();
      await jest.advanceTimersByTimeAsync(TIMEOUT_MS * 0.6);
      expect(client.timedOutAfterMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('closes a client whose bytes stay the same between one and one and a half times its timeout', async () => {
      const timer = new WriteTimeoutTimer(TIMEOUT_MS, looking);
      const startMs = performance.now();
      const clients: Client[] = [];
      for (let n = 0; n < 5; n++) {
        clients.push(stalled(timer, 1_000));
        await jest.advanceTimersByTimeAsync(100);
      }
      const closedMs: number[] = [];
      for (const [n, client] of clients.entries())
        client.writeTimedOut = () => closedMs.push(performance.now() - startMs - n * 100);
      await jest.advanceTimersByTimeAsync(2 * TIMEOUT_MS);
      expect(closedMs).toHaveLength(5);
      expect(Math.min(...closedMs)).toBeGreaterThanOrEqual(TIMEOUT_MS);
      expect(Math.max(...closedMs)).toBeLessThanOrEqual(1.5 * TIMEOUT_MS);
    });

    it('reads the bytes of all clients at once, and not before a quarter of the timeout', async () => {
      const timer = new WriteTimeoutTimer(TIMEOUT_MS, looking);
      const clients = Array.from({ length: 100 }, (_, n) => stalled(timer, n));
      await jest.advanceTimersByTimeAsync(TIMEOUT_MS / 4 - 1);
      expect(reads).toBe(0);
      await jest.advanceTimersByTimeAsync(TIMEOUT_MS);
      expect(reads).toBeGreaterThan(0);
      expect(reads).toBeLessThanOrEqual(5);
      for (const client of clients) timer.delete(client);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('leaves a client that reads again during a look alone', async () => {
      const timer = new WriteTimeoutTimer(TIMEOUT_MS, looking);
      const client = stalled(timer, 1_000);
      await jest.advanceTimersByTimeAsync(TIMEOUT_MS / 4 + 5);
      timer.delete(client);
      await jest.advanceTimersByTimeAsync(10 * TIMEOUT_MS);
      expect([client.timedOutAfterMs, jest.getTimerCount()]).toEqual([undefined, 0]);
    });

    it.each<[string, ReadUnacknowledgedBytes]>([
      ['is not listed', looking],
      ['is in a list that cannot be read', () => Promise.reject(new Error('no such file'))],
    ])('closes a client after its timeout if its connection %s', async (_why, read) => {
      const timer = new WriteTimeoutTimer(TIMEOUT_MS, read);
      const client = stalled(timer);
      await jest.advanceTimersByTimeAsync(TIMEOUT_MS - 1);
      expect(client.timedOutAfterMs).toBeUndefined();
      await jest.advanceTimersByTimeAsync(TIMEOUT_MS / 2);
      expect(client.timedOutAfterMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
    });
  });
});
