import { Observable } from 'rxjs';

/** Runs `answer` on subscription, and ends the request for Nest when it is done. */
export function respondWith(answer: (done: () => void) => void): Observable<undefined> {
  return new Observable((subscriber) => {
    answer(() => {
      subscriber.next(undefined);
      subscriber.complete();
    });
  });
}
