import { SseClientError } from './sse-client-error.js';

/** Options of `events()`. */
export interface EventsOptions {
  /** Ends the loop at once, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Events that may wait for the loop. One more ends it with the error `overflow`. Default: 1,000. */
  readonly maxQueued?: number;
}

/** A bounded queue between a stream, which does not wait, and one loop, which takes its time. */
export class EventQueue<Event> implements AsyncIterableIterator<Event> {
  readonly #waiting: Event[] = [];
  readonly #maxQueued: number;
  readonly #onEnd: () => void;
  /** Continues the call of `next` that waits for an event. */
  #wake: (() => void) | undefined;
  #hasEnded = false;
  #error: SseClientError | undefined;

  constructor({ signal, maxQueued = 1_000 }: EventsOptions, onEnd: () => void) {
    this.#maxQueued = maxQueued;
    this.#onEnd = onEnd;
    signal?.addEventListener('abort', () => void this.return());
  }

  push(event: Event): void {
    if (this.#hasEnded) return;
    if (this.#wake === undefined && this.#waiting.length >= this.#maxQueued) {
      this.#error = new SseClientError(
        'overflow',
        `More than ${this.#maxQueued} events waited. Set maxQueued.`,
      );
      return this.end();
    }
    this.#waiting.push(event);
    this.#continue();
  }

  /** Ends the loop when it has taken what waits. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
    this.#continue();
  }

  async next(): Promise<IteratorResult<Event>> {
    if (this.#waiting.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#waiting.length > 0) return { done: false, value: this.#waiting.shift() as Event };
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
    return { done: true, value: undefined };
  }

  /** Called by the loop where it ends early. */
  async return(): Promise<IteratorResult<Event>> {
    this.#waiting.length = 0;
    this.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #continue(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
