/** Asks one question for several callers: all connections of a node ask the same servers. */
export class SharedAnswer<T> {
  readonly #ask: (timeoutMs: number) => Promise<T>;
  #answer: Promise<T> | undefined;
  #isPending = false;
  #askedMs = 0;

  /** @param ask must settle within its argument, in milliseconds, and must not reject */
  constructor(ask: (timeoutMs: number) => Promise<T>) {
    this.#ask = ask;
  }

  /** Returns the pending answer, or one that is at most `maxAgeMs` old; asks again otherwise. */
  get(maxAgeMs: number, timeoutMs: number): Promise<T> {
    const isRecent = performance.now() - this.#askedMs < maxAgeMs;
    if (this.#answer !== undefined && (this.#isPending || isRecent)) return this.#answer;
    this.#askedMs = performance.now();
    this.#isPending = true;
    this.#answer = this.#ask(timeoutMs).finally(() => (this.#isPending = false));
    return this.#answer;
  }
}
