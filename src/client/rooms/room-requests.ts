import type { ConnectOptions } from '../connect-options.interface.js';
import type { FetchFunction } from '../platform.js';
import type { ChangeRooms, RoomChangesAnswer } from './rooms-options.interface.js';

/** Statuses of answers that may be another one later. A stream that opens now is not found yet. */
const LATER_STATUSES = [404, 408, 425, 429];

/** A request that is worth another try. */
export class FailedRequest extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Least time until the next attempt, from `Retry-After`. */
    readonly retryAfterMs: number,
  ) {
    super(message);
  }
}

/**
 * Returns the function that sends the requests of a client: that of its options, or one over `fetch`.
 *
 * @param base URL against which the route's own one is resolved
 */
export function requestsOf(options: ConnectOptions, base: string): ChangeRooms {
  const { rooms } = options;
  if (typeof rooms === 'function') return rooms;
  const { url = '', headers = options.headers, withCredentials = options.withCredentials } = rooms ?? {};
  const { href } = new URL(url, base);
  return async ({ session, join, leave }, signal) => {
    const fetch: FetchFunction = options.fetch ?? globalThis.fetch;
    const response = await fetch(href, {
      method: 'POST',
      headers: {
        ...(typeof headers === 'function' ? await headers() : headers),
        'content-type': 'application/json',
      },
      body: JSON.stringify({ session, join, leave }),
      credentials: withCredentials === true ? 'include' : 'same-origin',
      signal,
    });
    const { status } = response;
    const body = await jsonOf(response as unknown as Response);
    if (status < 300) return body as RoomChangesAnswer;
    const message = [body.message ?? `The server answered ${status}.`].flat().join('; ');
    if (status >= 500 || LATER_STATUSES.includes(status)) {
      throw new FailedRequest(status, message, (Number(response.headers.get('retry-after')) || 0) * 1_000);
    }
    return { refused: join.map((room) => ({ room, status, message })) };
  };
}

async function jsonOf(response: Response): Promise<{ readonly message?: string | readonly string[] }> {
  try {
    return (await response.json()) as object;
  } catch {
    return {};
  }
}
