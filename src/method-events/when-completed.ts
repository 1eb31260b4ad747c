import { Observable } from 'rxjs';

/**
 * Calls `last` with the last value of a source when it completes. Without a value it is not called.
 *
 * @param last with a promise, the result completes or fails with it
 */
export function whenCompleted<T>(
  source: Observable<T>,
  last: (value: T) => Promise<unknown> | undefined,
): Observable<T> {
  return new Observable((subscriber) => {
    let value: { readonly last: T } | undefined;
    return source.subscribe({
      next: (each) => {
        value = { last: each };
        subscriber.next(each);
      },
      error: (error) => subscriber.error(error),
      complete: () => {
        const publishing = value === undefined ? undefined : last(value.last);
        if (publishing === undefined) subscriber.complete();
        else
          publishing.then(
            () => subscriber.complete(),
            (error: unknown) => subscriber.error(error),
          );
      },
    });
  });
}
