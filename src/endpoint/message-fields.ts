import { checkEventId, checkEventName, checkRetry } from '../protocol/input/event-fields.js';
import type { SseFields } from '../protocol/encode-event.js';
import { serializeData, type SerializeData } from '../protocol/input/serialize-data.js';
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

/**
 * Converts a value of a source that `publishFrom` subscribes to, by the same rule as `messageFields`, to the event name and
 * the data of a broadcast. The name in a message precedes `event`.
 *
 * @throws SseError `id-not-allowed`, `invalid-data`: a published event has no id, `retry` and comment of its own
 */
export function publishedParts(value: unknown, event: string | undefined): [event: unknown, data: unknown] {
  if (!isMessage(value)) return [event, value];
  if (value['id'] !== undefined && value['id'] !== null) {
    throw new SseError(
      'id-not-allowed',
      'publishFrom got a message with an id, but the id of a published event is its position. Put your own id into the data.',
    );
  }
  const unpublishable = ['retry', 'comment'].find((key) => value[key] !== undefined && value[key] !== null);
  if (unpublishable !== undefined) {
    throw new SseError(
      'invalid-data',
      `publishFrom got a message with "${unpublishable}", which only a stream's own source can send. Leave it out.`,
    );
  }
  return [value['event'] ?? value['type'] ?? event, value['data']];
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

/**
 * Returns `true` if the data of a value are a string: the fields then have the string itself.
 *
 * @param fields what `messageFields` has returned for the value
 */
export function isTextValue(value: unknown, { data }: SseFields): boolean {
  const own: unknown = typeof value === 'object' && value !== null ? (value as SseFields).data : value;
  return typeof own === 'string' && own === data;
}
