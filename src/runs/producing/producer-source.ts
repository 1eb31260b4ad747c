import { isObservable, type Observable } from 'rxjs';
import { isAsyncIterable, isIterator } from '../../protocol/input/iterables.js';
import { SseError } from '../../protocol/sse-error.js';

/** Values of an Observable that wait for the broker. */
const MAX_WAITING = 10_000;

/** An iterator whose `return` may be called while a value is awaited. */
export type ValueIterator = Pick<AsyncIterator<unknown> | Iterator<unknown>, 'next' | 'return'>;

/** Returns the values of a producer: of an Observable, an AsyncIterable or iterator, or one value; none of `undefined` and `null`. */
export function valuesOf(source: unknown): ValueIterator {
  if (source === undefined || source === null) return [][Symbol.iterator]();
  if (isObservable(source)) return new ObservedValues(source);
  if (isAsyncIterable(source)) return source[Symbol.asyncIterator]();
  if (isIterator(source)) return source;
  return [source][Symbol.iterator]();
}

/** The values of an Observable, which wait until they are pulled. */
class ObservedValues implements ValueIterator {
  #waiting: unknown[] = [];
  #end: { readonly error?: unknown; readonly hasFailed: boolean } | undefined;
  #wake: (() => void) | undefined;
  readonly #unsubscribe: () => void;

  constructor(source: Observable<unknown>) {
    const subscription = source.subscribe({
      next: (value) => this.#add(value),
      error: (error: unknown) => this.#finish({ error, hasFailed: true }),
      complete: () => this.#finish({ hasFailed: false }),
    });
    this.#unsubscribe = () => subscription.unsubscribe();
    // A source that has filled the list while it was subscribed.
    if (this.#end?.hasFailed === true) subscription.unsubscribe();
  }

  async next(): Promise<IteratorResult<unknown>> {
    while (this.#waiting.length === 0 && this.#end === undefined)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#waiting.length > 0) return { value: this.#waiting.shift(), done: false };
    if (this.#end?.hasFailed === true) throw this.#end.error;
    return { value: undefined, done: true };
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#waiting = [];
    this.#finish({ hasFailed: false });
    this.#unsubscribe();
    return { value: undefined, done: true };
  }

  #add(value: unknown): void {
    if (this.#end !== undefined) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#finish({ hasFailed: true, error: overflow() });
      // `undefined` while the source is being subscribed.
      (this.#unsubscribe as (() => void) | undefined)?.();
      return;
    }
    this.#waiting.push(value);
    this.#wake?.();
  }

  #finish(end: { readonly error?: unknown; readonly hasFailed: boolean }): void {
    this.#end ??= end;
    this.#wake?.();
  }
}

function overflow(): SseError {
  return new SseError(
    'run-overflow',
    `${MAX_WAITING} values of an Observable wait for the broker, which takes them more slowly than they come. Return an AsyncIterable, which is pulled at the pace of the broker.`,
  );
}
