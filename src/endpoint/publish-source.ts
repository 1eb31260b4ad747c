import type { Observable, Subscription } from 'rxjs';
import { describeValue } from '../protocol/error-text.js';
import type { RoomHub } from '../rooms/room-hub.js';
import type { PublicCall } from '../rooms/reported-promise.js';
import { publishedParts } from './message-fields.js';
import { reportSourceFailure } from './report-failure.js';

/**
 * Publishes each value of an Observable to rooms. Failures of a value or of the source are logged.
 *
 * @param event the name of values that are no messages
 */
export function publishSource(
  hub: RoomHub,
  source$: Observable<unknown>,
  rooms: readonly string[],
  event: string | undefined,
): Subscription {
  const next = (value: unknown): void =>
    void hub.publish(call, () => ({ rooms, parts: publishedParts(value, event) }));
  const call: PublicCall = {
    method: next,
    describe: () => `A value of publishFrom([${rooms.map(describeValue).join(', ')}])`,
  };
  return source$.subscribe({ next, error: (error) => reportSourceFailure(rooms, error) });
}
