import type { TestStreamEnd } from './test-connection.js';
import { describeEvent, isControlEvent, type TestEvent } from './test-event.js';
import { settlesWithin, withResolve } from './real-timers.js';
import { TestStreamError } from './test-stream-error.js';

const SHOWN_EVENTS = 10;

/** The events of a stream in order, of which a test takes one after the other. */
export class ReceivedEvents {
  readonly all: TestEvent[] = [];
  readonly comments: string[] = [];
  #nextComment = 0;
  /** Index of the first event that no call has taken or passed over. */
  #next = 0;
  #end: TestStreamEnd | undefined;
  readonly #waiting = new Set<() => void>();
  /** The last `takeUntil`: the next one begins when it has ended. */
  #taking: Promise<unknown> = Promise.resolve();

  /** The end of the response; `undefined` while it is open. */
  get end(): TestStreamEnd | undefined {
    return this.#end;
  }

  add(event: TestEvent): void {
    this.all.push(event);
    this.#wake();
  }

  addComment(comment: string): void {
    this.comments.push(comment);
    this.#wake();
  }

  /** Takes the next comment. @throws TestStreamError after `timeoutMs`, and when the stream has ended without it */
  async takeComment(timeoutMs: number): Promise<string> {
    const index = this.#nextComment++;
    await this.waitUntil(() => this.comments.length > index || this.#end !== undefined, timeoutMs);
    const comment = this.comments[index];
    if (comment !== undefined) return comment;
    this.#nextComment--;
    throw new TestStreamError(`No comment came ${this.#reason(timeoutMs)}. ${this.#instead(0)}`);
  }

  /** Records the end of a response, or with `undefined` that another one is open. */
  endedBy(end: TestStreamEnd | undefined): void {
    this.#end = end;
    this.#wake();
  }

  /** The application's events that no call has taken or passed over. */
  get untaken(): TestEvent[] {
    return this.all.slice(this.#next).filter((event) => !isControlEvent(event));
  }

  /**
   * Takes events up to the first that `matches`, after those of earlier calls.
   *
   * @param awaited names the awaited event in the message of an error
   * @throws TestStreamError after `timeoutMs`, and when the stream has ended without it
   */
  takeUntil(
    awaited: string,
    matches: (event: TestEvent) => boolean,
    timeoutMs: number,
  ): Promise<TestEvent[]> {
    const taken = this.#taking.then(() => this.#takeNow(awaited, matches, timeoutMs));
    this.#taking = taken.catch(() => {});
    return taken;
  }

  /** Waits for a condition of events and end. @returns `false` where it does not hold in time */
  async waitUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    if (condition()) return true;
    const { promise, resolve } = withResolve();
    const look = (): void => {
      if (condition()) resolve();
    };
    this.#waiting.add(look);
    try {
      return await settlesWithin(promise, timeoutMs);
    } finally {
      this.#waiting.delete(look);
    }
  }

  async #takeNow(
    awaited: string,
    matches: (event: TestEvent) => boolean,
    timeoutMs: number,
  ): Promise<TestEvent[]> {
    const first = this.#next;
    let index = first;
    const isFound = (): boolean => {
      while (index < this.all.length && !matches(this.all[index] as TestEvent)) index++;
      return index < this.all.length;
    };
    await this.waitUntil(() => isFound() || this.#end !== undefined, timeoutMs);
    if (isFound()) {
      this.#next = index + 1;
      return this.all.slice(first, index + 1);
    }
    throw new TestStreamError(`No ${awaited} came ${this.#reason(timeoutMs)}. ${this.#instead(first)}`);
  }

  #reason(timeoutMs: number): string {
    return this.#end === undefined ? `within ${timeoutMs} ms` : `before the stream was ${this.#end}`;
  }

  #wake(): void {
    for (const look of this.#waiting) look();
  }

  #instead(first: number): string {
    const came = this.all.slice(first).map(describeEvent);
    const before = this.all.slice(0, first).map(describeEvent);
    const instead = came.length === 0 ? 'Nothing else came' : `Instead came: ${shown(came)}`;
    return before.length === 0 ? `${instead}.` : `${instead}; before that: ${shown(before)}.`;
  }
}

function shown(events: readonly string[]): string {
  return events.length > SHOWN_EVENTS ? `… ${events.slice(-SHOWN_EVENTS).join(', ')}` : events.join(', ');
}
