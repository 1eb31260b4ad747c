import type { SessionChange, SessionOutcome, SessionStore } from '../broker/session-store.interface.js';

/** Most changes of one call. */
const MAX_CHANGES = 256;

/** Changes of one call that the queue tries to reach while many come. */
const SHARED_CHANGES = 100;

/** Changes of one call from which on many count as coming: fewer are not made to wait for others. */
const MANY_CHANGES = 16;

interface WaitingChange {
  readonly change: SessionChange;
  readonly resolve: (outcome: SessionOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes the changes of many sessions with few calls to the store: one call at a time, with the changes that have come
 * meanwhile. The changes of a queue are made in their order.
 */
export class SessionQueue {
  readonly #store: Pick<SessionStore, 'change'>;
  readonly #intervalMs: number;
  readonly #maxIntervalMs: number;
  /** Shortest time between the last call and the next one. */
  #waitMs: number;
  readonly #waiting: WaitingChange[] = [];
  #isRunning = false;
  #lastCallMs = -Infinity;

  /**
   * @param intervalMs shortest time between the starts of two calls, in milliseconds. The first one is made at once
   * @param maxIntervalMs longest such time, while so many changes come that a call may have 100 of them. Default: `intervalMs`
   */
  constructor(store: Pick<SessionStore, 'change'>, intervalMs: number, maxIntervalMs = intervalMs) {
    this.#store = store;
    this.#waitMs = this.#intervalMs = intervalMs;
    this.#maxIntervalMs = maxIntervalMs;
  }

  /** @throws SseError `broker-closed`, `broker-unavailable`: the promise rejects */
  add(change: SessionChange): Promise<SessionOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const waitMs = this.#lastCallMs + this.#waitMs - performance.now();
      // Changes of this turn of the event loop share a call at least.
      await new Promise((resolve) => (waitMs > 0 ? setTimeout(resolve, waitMs) : setImmediate(resolve)));
      this.#lastCallMs = performance.now();
      const batch = this.#waiting.splice(0, MAX_CHANGES);
      this.#waitMs = this.#waitAfter(batch.length);
      try {
        const outcomes = await this.#store.change(batch.map(({ change }) => change));
        for (const [index, { resolve, reject }] of batch.entries()) {
          const outcome = outcomes[index];
          if (outcome === undefined)
            reject(new Error('The store of sessions left out the outcome of a change.'));
          else resolve(outcome);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isRunning = false;
  }

  /**
   * Returns the time until the next call. Example: 600 streams a second come back, 30 in the first 50 ms. The queue waits for
   * 100 ms, and then for 200 ms, after which a call has 120 of them.
   */
  #waitAfter(changes: number): number {
    if (changes < MANY_CHANGES || changes === MAX_CHANGES) return this.#intervalMs;
    return changes < SHARED_CHANGES ? Math.min(2 * this.#waitMs, this.#maxIntervalMs) : this.#waitMs;
  }
}
