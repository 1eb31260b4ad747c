import { describeValue } from '../error-text.js';
import { SseError } from '../sse-error.js';
import { unsafeTextReason } from './unsafe-text.js';

/** Prefix of this package's control events (`sse:ready`, `sse:gap`, `sse:error`). */
export const RESERVED_EVENT_PREFIX = 'sse:';

/** Names of the events that `EventSource` fires itself; a listener could not distinguish them. */
const RESERVED_EVENT_NAMES: ReadonlySet<string> = new Set(['error', 'open']);

// HTML standard, 9.2.6: a field ends with CR, LF or CRLF, and an id that contains NUL is ignored by the client.
const LINE_END_OR_NUL = /[\r\n\0]/;

// Some clients crash or stop reconnecting on an id that is no valid HTTP header value, and fetch sends a CORS preflight
// for one of more than 128 bytes. HTTP trims leading and trailing spaces.
const WIRE_SAFE_ID = /^[\x21-\x7e]{0,128}$/;

/**
 * Validates an event name.
 *
 * @returns the name; `undefined` for `undefined`, `null` and `''`
 * @throws SseError `invalid-event-name`
 */
export function checkEventName(name: unknown): string | undefined {
  if (name === undefined || name === null || name === '') return undefined;
  if (typeof name !== 'string') {
    throw new SseError('invalid-event-name', `An event name is a string, not ${describeValue(name)}.`);
  }
  if (LINE_END_OR_NUL.test(name)) {
    throw new SseError(
      'invalid-event-name',
      `The event name ${JSON.stringify(name)} contains a line break or NUL, which would forge another field. Remove it.`,
    );
  }
  const unsafe = unsafeTextReason(name);
  if (unsafe !== undefined) {
    throw new SseError(
      'invalid-event-name',
      `The event name ${describeValue(name)} contains ${unsafe}. Remove it.`,
    );
  }
  if (RESERVED_EVENT_NAMES.has(name)) {
    throw new SseError(
      'invalid-event-name',
      `EventSource fires its own event named "${name}". Choose another name, such as "app-${name}".`,
    );
  }
  if (name.startsWith(RESERVED_EVENT_PREFIX)) {
    throw new SseError(
      'invalid-event-name',
      `Event names that begin with "${RESERVED_EVENT_PREFIX}" are reserved for control events. Rename "${name}".`,
    );
  }
  return name;
}

/**
 * Validates an event id of the application. A number becomes its decimal string.
 *
 * @returns the id; `undefined` for `undefined` and `null`; `''` resets the client's last id (HTML standard, 9.2.6)
 * @throws SseError `invalid-id`
 */
export function checkEventId(id: unknown): string | undefined {
  if (id === undefined || id === null) return undefined;
  const text = typeof id === 'number' && Number.isFinite(id) ? String(id) : id;
  if (typeof text !== 'string' || !WIRE_SAFE_ID.test(text)) {
    throw new SseError(
      'invalid-id',
      `The event id ${describeValue(id)} cannot travel in a Last-Event-ID header. Use at most 128 printable ASCII characters without spaces.`,
    );
  }
  return text;
}

/**
 * Validates a `retry` field.
 *
 * @returns the reconnection time in milliseconds
 * @throws SseError `invalid-retry`
 */
export function checkRetry(retryMs: unknown): number {
  // HTML standard, 9.2.6: "If the field value consists of only ASCII digits"; 1e21 and above print with an exponent.
  if (typeof retryMs !== 'number' || !Number.isSafeInteger(retryMs) || retryMs < 0) {
    throw new SseError(
      'invalid-retry',
      `retry is a whole number of milliseconds from 0 to ${Number.MAX_SAFE_INTEGER}, not ${describeValue(retryMs)}.`,
    );
  }
  return retryMs;
}
