import { jest } from '@jest/globals';
import { parsed } from '../../../test/protocol/parsed.js';
import { HEARTBEAT, Heartbeat, type HeartbeatClient } from './heartbeat.js';

const INTERVAL_MS = 1_600;

class Client implements HeartbeatClient {
  lastWriteMs = performance.now();
  readonly silences: number[] = [];

  sendHeartbeat(): void {
    this.silences.push(performance.now() - this.lastWriteMs);
    this.lastWriteMs = performance.now();
  }
}

describe('the heartbeat', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('is a comment of one line, which fires no event', () => {
    expect(HEARTBEAT.bytes.toString()).toBe(':\n');
    expect(parsed(HEARTBEAT.bytes)).toEqual({ events: [], comments: [''], retries: [], errors: [] });
  });

  describe.each([100, INTERVAL_MS, 20_000])('every %i ms', (intervalMs) => {
    it.each([1, 2, 15, 16, 17, 100, 1_000])(
      'reaches each of %i silent clients, never early and at most slightly late',
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

  it('skips clients that were written to meanwhile', () => {
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

  it('is spread over a round for many clients, without one long turn', () => {
    const heartbeat = new Heartbeat(INTERVAL_MS);
    let inThisTurn = 0;
    let most = 0;
    const clients = Array.from({ length: 1_600 }, () => ({
      lastWriteMs: 0,
      sendHeartbeat: () => void (most = Math.max(most, ++inThisTurn)),
    }));
    for (const client of clients) heartbeat.add(client);
    for (let ms = 0; ms < 2 * INTERVAL_MS; ms++) {
      inThisTurn = 0;
      jest.advanceTimersByTime(1);
    }
    expect(most).toBe(100);
    heartbeat.close();
  });

  it('reaches connected clients while many others connect and disconnect', () => {
    const heartbeat = new Heartbeat(INTERVAL_MS);
    const connected = Array.from({ length: 20 }, () => new Client());
    for (const client of connected) heartbeat.add(client);
    const shortLived: Client[] = [];
    for (let ms = 0; ms < 10 * INTERVAL_MS; ms += 5) {
      const client = new Client();
      shortLived.push(client);
      heartbeat.add(client);
      if (shortLived.length > 100) heartbeat.delete(shortLived.shift() as Client);
      jest.advanceTimersByTime(5);
    }
    const silences = connected.flatMap((client) => client.silences);
    expect(silences.length).toBeGreaterThanOrEqual(20 * 7);
    expect(Math.max(...silences)).toBeLessThanOrEqual(INTERVAL_MS * 1.5);
    heartbeat.close();
  });

  it('reaches the other clients if one disconnects during a round', () => {
    const heartbeat = new Heartbeat(INTERVAL_MS);
    const clients = Array.from({ length: 10 }, () => new Client());
    const closing = { lastWriteMs: -Infinity, sendHeartbeat: () => heartbeat.delete(closing) };
    for (const client of [...clients.slice(0, 5), closing, ...clients.slice(5)]) heartbeat.add(client);
    jest.advanceTimersByTime(2 * INTERVAL_MS);
    expect(clients.map(({ silences }) => silences.length > 0)).toEqual(Array(10).fill(true));
    heartbeat.close();
  });

  it('has one timer, none without clients, and starts it again with the next client', () => {
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

  it('does nothing if switched off', () => {
    const heartbeat = new Heartbeat(false);
    const client = new Client();
    heartbeat.add(client);
    expect(jest.getTimerCount()).toBe(0);
    heartbeat.delete(client);
    heartbeat.close();
  });
});
