import type { SessionChange, SessionOutcome, SessionStore } from '../broker/session-store.interface.js';

/** Most changes of one call. */
const MAX_CHANGES = 256;

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
  readonly #waiting: WaitingChange[] = [];
  #isRunning = false;
  #lastCallMs = -Infinity;

  /** @param intervalMs shortest time between the starts of two calls, in milliseconds. The first one is made at once */
  constructor(store: Pick<SessionStore, 'change'>, intervalMs: number) {
    this.#store = store;
    this.#intervalMs = intervalMs;
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
      const waitMs = this.#lastCallMs + this.#intervalMs - performance.now();
      // Changes of this turn of the event loop share a call at least.
      await new Promise((resolve) => (waitMs > 0 ? setTimeout(resolve, waitMs) : setImmediate(resolve)));
      this.#lastCallMs = performance.now();
      const batch = this.#waiting.splice(0, MAX_CHANGES);
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
}
