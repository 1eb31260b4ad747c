import { Observable, Subscriber, type Observer, type Operator, type Subscription } from 'rxjs';
import type { CallbackFailures } from './callback-failures.js';

/**
 * An Observable of the application's API, whose subscribers are isolated: one that throws, or that returns a promise that
 * rejects, is reported and stays subscribed. Plain RxJS 7 throws such an error in a timer, which ends the process.
 *
 * Operators keep the isolation: an error inside `pipe(map(…))` reaches the subscriber's `error`, or is reported where there
 * is none.
 */
export class IsolatedObservable<T> extends Observable<T> {
  readonly #name: string;
  readonly #failures: CallbackFailures;
  readonly #describe: ((value: T) => string) | undefined;

  /**
   * @param name names the Observable in reports, such as `connected$`
   * @param describe names a value in reports. Default: it is not named
   */
  constructor(
    name: string,
    failures: CallbackFailures,
    subscribe?: (this: Observable<T>, subscriber: Subscriber<T>) => Subscription | (() => void) | void,
    describe?: (value: T) => string,
  ) {
    super(subscribe);
    this.#name = name;
    this.#failures = failures;
    this.#describe = describe;
  }

  /** @internal RxJS calls it for each operator of `pipe`. */
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    const lifted = new IsolatedObservable<R>(this.#name, this.#failures);
    Object.assign(lifted, { source: this, operator });
    return lifted;
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    onError?: ((error: unknown) => void) | null,
    onComplete?: (() => void) | null,
  ): Subscription {
    // An operator, or a function such as `firstValueFrom`, that handles errors itself.
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext as Subscriber<T>);
    const observer: Partial<Observer<T>> =
      typeof observerOrNext === 'object' && observerOrNext !== null
        ? observerOrNext
        : {
            next: observerOrNext ?? undefined,
            error: onError ?? undefined,
            complete: onComplete ?? undefined,
          };
    const run = (work: () => unknown, context?: () => string | undefined): void =>
      this.#failures.run(this.#name, work, context);
    return super.subscribe({
      next: (value) =>
        run(
          () => observer.next?.(value),
          () => this.#describe?.(value),
        ),
      error: (error: unknown) => {
        if (observer.error === undefined) this.#failures.report(this.#name, error);
        else run(() => observer.error?.(error));
      },
      complete: () => run(() => observer.complete?.()),
    });
  }
}
