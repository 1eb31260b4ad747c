import { checkEventId, checkEventName, checkRetry } from '../protocol/event-fields.js';
import type { SseFields } from '../protocol/encode-event.js';
import { serializeData, type SerializeData } from '../protocol/serialize-data.js';
import { SseError } from '../protocol/sse-error.js';

const MESSAGE_KEYS: ReadonlySet<string> = new Set(['data', 'type', 'event', 'id', 'retry', 'comment']);

/**
 * What a value that a handler's source emits means. An object whose keys are all among `data`, `type`, `event`, `id`,
 * `retry` and `comment`, with `data` or `comment` among them, is a message, as Nest's `MessageEvent` is; any other
 * value is the data.
 *
 * @throws SseError for fields that cannot be sent
 */
export function messageFields(value: unknown, serialize: SerializeData): SseFields {
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
  return (keys.includes('data') || keys.includes('comment')) && keys.every((key) => MESSAGE_KEYS.has(key));
}

function checkComment(comment: unknown): string | undefined {
  if (comment === undefined || comment === null) return undefined;
  if (typeof comment === 'string') return comment;
  throw new SseError('invalid-data', `A comment is a string, not ${typeof comment}.`);
}
