import { checkEventId, checkEventName, checkRetry } from '../protocol/event-fields.js';
import type { SseFields } from '../protocol/encode-event.js';
import { serializeData, type SerializeData } from '../protocol/serialize-data.js';
import { SseError } from '../protocol/sse-error.js';

const MESSAGE_KEYS: ReadonlySet<string> = new Set(['data', 'type', 'event', 'id', 'retry', 'comment']);

/**
 * Converts a value of a handler's source to the fields of an event. An object with only the keys `data`, `type`, `event`,
 * `id`, `retry` and `comment`, and with `data` or `comment`, is a message like Nest's `MessageEvent`. Any other value is
 * the data itself.
 *
 * @throws SseError `invalid-event-name`, `invalid-id`, `invalid-retry`, `invalid-data`
 */
export function messageFields(value: unknown, serialize: SerializeData): SseFields {
  if (value instanceof Response) {
    throw new SseError('invalid-data', 'A web Response cannot be an event. Return its body, or its text.');
  }
  if (!isMessage(value)) return { data: serializeData(value, serialize).data };
  const { data, type, event, id, retry, comment } = value;
  const name = checkEventName(event ?? type);
  return {
    event: name,
    data: 'data' in value ? serializeData(data, serialize, name).data : undefined,
    id: checkEventId(id),
    retry: retry === undefined || retry === null ? undefined : checkRetry(retry),
    comment: checkComment(comment),
  };
}

function isMessage(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const keys = Object.keys(value);
  return (
    (keys.includes('data') || keys.includes('comment')) &&
    keys.every((key) => MESSAGE_KEYS.has(key) || (value as Record<string, unknown>)[key] === undefined)
  );
}

function checkComment(comment: unknown): string | undefined {
  if (comment === undefined || comment === null) return undefined;
  if (typeof comment === 'string') return comment;
  throw new SseError('invalid-data', `A comment is a string, not ${typeof comment}.`);
}
