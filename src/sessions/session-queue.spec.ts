import { jest } from '@jest/globals';
import type { SessionChange, SessionOutcome } from '../broker/session-store.interface.js';
import { SessionQueue } from './session-queue.js';

const CHANGE: SessionChange = { key: 'k', do: 'claim', client: 'c', node: 'n', ttlMs: 1 };

/** Adds changes at a steady rate to a queue of 50 to 400 ms. */
async function addSteadily(perSecond: number, seconds: number) {
  const calls: number[] = [];
  const store = {
    change: async (changes: readonly SessionChange[]): Promise<SessionOutcome[]> => {
      calls.push(changes.length);
      return changes.map(() => ({ result: 'done' }));
    },
  };
  const queue = new SessionQueue(store, 50, 400);
  const waits: number[] = [];
  for (let n = 0; n < perSecond * seconds; n++) {
    const addedAt = performance.now();
    void queue.add(CHANGE).then(() => waits.push(performance.now() - addedAt));
    await jest.advanceTimersByTimeAsync(1_000 / perSecond);
  }
  await jest.advanceTimersByTimeAsync(1_000);
  return { calls: calls.length, changes: waits.length, longestWaitMs: Math.max(...waits) };
}

describe('a queue of changes of sessions', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it.each([400, 700, 4_000])('makes one call for a hundred while %d come in a second', async (perSecond) => {
    const { calls, changes, longestWaitMs } = await addSteadily(perSecond, 5);
    expect(changes).toBe(5 * perSecond);
    // The first calls find out how many come.
    expect(calls).toBeLessThanOrEqual(changes / 100 + 5);
    expect(longestWaitMs).toBeLessThanOrEqual(410);
  });

  it('lets a change wait for no more than 50 ms while few come', async () => {
    const { changes, longestWaitMs } = await addSteadily(100, 3);
    expect(changes).toBe(300);
    expect(longestWaitMs).toBeLessThanOrEqual(60);
  });
});
