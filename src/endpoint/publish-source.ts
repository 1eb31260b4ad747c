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
 * @param rest arguments behind the name, which are refused
 * @throws SseError `invalid-arguments` if the source is no Observable, or for options
 */
export function publishSource(
  hub: RoomHub,
  source$: Observable<unknown>,
  rooms: readonly string[],
  event: string | undefined,
  rest: readonly unknown[],
): Subscription {
  if (!isObservable(source$)) {
    throw new SseError(
      'invalid-arguments',
      `publishFrom takes (room, source$, event), and source$ is an Observable, not ${describeValue(source$)}. Convert others with from() of RxJS.`,
    );
  }
  if (rest.length > 0) {
    throw new SseError(
      'invalid-arguments',
      `publishFrom takes (room, source$, event), and no options such as ${describeValue(rest[0])}. For options, call broadcast for each value.`,
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
