import { SseError } from '../protocol/sse-error.js';

/**
 * Waits for changes of stored sessions, which the broker may delay for longer than a call has.
 *
 * @param timeoutMs milliseconds, as in `RemoteOptions`
 * @throws SseError `broker-unavailable` after that time; the changes may be stored later. Else what the work rejects with
 */
export async function withinTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(tooLate(timeoutMs)), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(timeoutMs: number): SseError {
  return new SseError(
    'broker-unavailable',
    `The stored sessions were not changed within ${timeoutMs} ms. No stream has the change, and a session may have it later. Check the broker, and repeat the call.`,
  );
}
