import { withinDeadline } from '../protocol/promises/deadline.js';
import { SseError } from '../protocol/sse-error.js';

/**
 * Waits for changes of stored sessions, which the broker may delay for longer than a call has.
 *
 * @param timeoutMs milliseconds, as in `RemoteOptions`
 * @throws SseError `broker-unavailable` after that time; the changes may be stored later. Else what the work rejects with
 */
export function withinTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return withinDeadline(
    work,
    timeoutMs,
    () =>
      new SseError(
        'broker-unavailable',
        `The stored sessions were not changed within ${timeoutMs} ms. No stream has the change, and a session may have it later. Check the broker, and repeat the call.`,
      ),
  );
}
