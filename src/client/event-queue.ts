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
  /** The call of `next` that waits for an event. */
  #reader: ((result: IteratorResult<Event>) => void) | undefined;
  #hasEnded = false;
  #error: SseClientError | undefined;

  constructor({ signal, maxQueued = 1_000 }: EventsOptions, onEnd: () => void) {
    this.#maxQueued = maxQueued;
    this.#onEnd = onEnd;
    signal?.addEventListener('abort', () => void this.return());
  }

  push(event: Event): void {
    if (this.#hasEnded) return;
    if (this.#reader !== undefined) return this.#answer({ done: false, value: event });
    if (this.#waiting.push(event) <= this.#maxQueued) return;
    this.#waiting.pop();
    this.#error = new SseClientError(
      'overflow',
      `More than ${this.#maxQueued} events waited. Set maxQueued.`,
    );
    this.end();
  }

  /** Ends the loop when it has taken what waits. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
    if (this.#reader !== undefined) this.#answer({ done: true, value: undefined });
  }

  async next(): Promise<IteratorResult<Event>> {
    if (this.#waiting.length > 0) return { done: false, value: this.#waiting.shift() as Event };
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
    if (this.#hasEnded) return { done: true, value: undefined };
    return new Promise((resolve) => (this.#reader = resolve));
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

  #answer(result: IteratorResult<Event>): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.(result);
  }
}
