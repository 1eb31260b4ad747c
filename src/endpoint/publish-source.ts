import { isObservable, type Observable, type Subscription } from 'rxjs';
import { describeValue, messageOf } from '../protocol/error-text.js';
import { SseError } from '../protocol/sse-error.js';
import type { RoomHub } from '../rooms/room-hub.js';
import type { PublicCall } from '../rooms/reported-promise.js';
import { publishedParts } from './message-fields.js';

/**
 * Publishes each value of an Observable to rooms. Failures of a value or of the source are reported.
 *
 * @param event the name of values that are no messages
 * @throws SseError `invalid-arguments` if the source is no Observable
 */
export function publishSource(
  hub: RoomHub,
  source$: Observable<unknown>,
  rooms: readonly string[],
  event: string | undefined,
): Subscription {
  if (!isObservable(source$)) {
    throw new SseError(
      'invalid-arguments',
      `publishFrom takes (room, source$, event), and source$ is an Observable, not ${describeValue(source$)}. Convert others with from() of RxJS.`,
    );
  }
  const describe = (): string => `publishFrom([${rooms.map(describeValue).join(', ')}])`;
  const report = (error: unknown, subject: string): void =>
    hub.callbacks.report('publishFrom', error, `${subject} ${describe()}: ${messageOf(error)}`);
  const next = (value: unknown): void => {
    const published = hub.publish(call, () => ({ rooms, parts: publishedParts(value, event) }));
    published.catch((error: unknown) => report(error, 'a value of'));
  };
  const call: PublicCall = { method: next, describe };
  return source$.subscribe({ next, error: (error) => report(error, 'the source of') });
}
