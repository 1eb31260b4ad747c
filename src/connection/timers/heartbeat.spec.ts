import { jest } from '@jest/globals';
import { parsed } from '../../../test/protocol/parsed.js';
import { HEARTBEAT, Heartbeat, type Beating } from './heartbeat.js';

const INTERVAL_MS = 1_600;

class Client implements Beating {
  lastWriteMs = performance.now();
  readonly silences: number[] = [];

  beat(): void {
    this.silences.push(performance.now() - this.lastWriteMs);
    this.lastWriteMs = performance.now();
  }
}

describe('the heartbeat', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('is a comment of one line, that no client takes for an event', () => {
    expect(HEARTBEAT.bytes.toString()).toBe(':\n');
    expect(parsed(HEARTBEAT.bytes)).toEqual({ events: [], comments: [''], retries: [], errors: [] });
  });

  describe.each([100, INTERVAL_MS, 20_000])('every %i ms', (intervalMs) => {
    it.each([1, 2, 15, 16, 17, 100, 1_000])(
      'reaches each of %i silent clients, never early and hardly late',
      (count) => {
        const heartbeat = new Heartbeat(intervalMs);
        const clients = Array.from({ length: count }, () => new Client());
        for (const client of clients) heartbeat.add(client);
        jest.advanceTimersByTime(intervalMs * 6);
        const silences = clients.flatMap((client) => client.silences);
        expect(silences.length).toBeGreaterThanOrEqual(5 * count);
        expect(Math.min(...silences)).toBeGreaterThanOrEqual(intervalMs * 0.87);
        expect(Math.max(...silences)).toBeLessThanOrEqual(intervalMs * 1.2);
        heartbeat.close();
      },
    );
  });

  it('passes over whoever was written to meanwhile', () => {
    const heartbeat = new Heartbeat(INTERVAL_MS);
    const [busy, silent] = [new Client(), new Client()];
    heartbeat.add(busy);
    heartbeat.add(silent);
    for (let n = 0; n < 40; n++) {
      jest.advanceTimersByTime(INTERVAL_MS / 4);
      busy.lastWriteMs = performance.now();
    }
    expect(busy.silences).toEqual([]);
    expect(silent.silences.length).toBeGreaterThanOrEqual(8);
    heartbeat.close();
  });

  it('of many clients is spread over a round, never one long turn', () => {
    const heartbeat = new Heartbeat(INTERVAL_MS);
    let inThisTurn = 0;
    let most = 0;
    const clients = Array.from({ length: 1_600 }, () => ({
      lastWriteMs: 0,
      beat: () => void (most = Math.max(most, ++inThisTurn)),
    }));
    for (const client of clients) heartbeat.add(client);
    for (let ms = 0; ms < 2 * INTERVAL_MS; ms++) {
      inThisTurn = 0;
      jest.advanceTimersByTime(1);
    }
    expect(most).toBe(100);
    heartbeat.close();
  });

  it('reaches those who stay, however many come and go', () => {
    const heartbeat = new Heartbeat(INTERVAL_MS);
    const staying = Array.from({ length: 20 }, () => new Client());
    for (const client of staying) heartbeat.add(client);
    const passing: Client[] = [];
    for (let ms = 0; ms < 10 * INTERVAL_MS; ms += 5) {
      const client = new Client();
      passing.push(client);
      heartbeat.add(client);
      if (passing.length > 100) heartbeat.delete(passing.shift() as Client);
      jest.advanceTimersByTime(5);
    }
    const silences = staying.flatMap((client) => client.silences);
    expect(silences.length).toBeGreaterThanOrEqual(20 * 7);
    expect(Math.max(...silences)).toBeLessThanOrEqual(INTERVAL_MS * 1.5);
    heartbeat.close();
  });

  it('a client that leaves during a round makes nobody miss a beat', () => {
    const heartbeat = new Heartbeat(INTERVAL_MS);
    const clients = Array.from({ length: 10 }, () => new Client());
    const leaving = { lastWriteMs: -Infinity, beat: () => heartbeat.delete(leaving) };
    for (const client of [...clients.slice(0, 5), leaving, ...clients.slice(5)]) heartbeat.add(client);
    jest.advanceTimersByTime(2 * INTERVAL_MS);
    expect(clients.map(({ silences }) => silences.length > 0)).toEqual(Array(10).fill(true));
    heartbeat.close();
  });

  it('has one timer, none without clients, and starts again with the next', () => {
    const heartbeat = new Heartbeat(INTERVAL_MS);
    expect(jest.getTimerCount()).toBe(0);
    for (let round = 0; round < 3; round++) {
      const clients = [new Client(), new Client()];
      for (const client of clients) heartbeat.add(client);
      expect(jest.getTimerCount()).toBe(1);
      jest.advanceTimersByTime(2 * INTERVAL_MS);
      expect(clients.every(({ silences }) => silences.length > 0)).toBe(true);
      for (const client of clients) heartbeat.delete(client);
      expect(jest.getTimerCount()).toBe(0);
    }
    heartbeat.delete(new Client());
  });

  it('does not keep the process alive', () => {
    jest.useRealTimers();
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const heartbeat = new Heartbeat(INTERVAL_MS);
    heartbeat.add(new Client());
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before);
    heartbeat.close();
  });

  it('switched off, it does nothing', () => {
    const heartbeat = new Heartbeat(false);
    const client = new Client();
    heartbeat.add(client);
    expect(jest.getTimerCount()).toBe(0);
    heartbeat.delete(client);
    heartbeat.close();
  });
});
