import { SseError } from '../../protocol/sse-error.js';
import type { SerializeData } from '../../protocol/input/serialize-data.js';
import { checkEventBytes } from '../../rooms/publish/event-size.js';
import { encodeEntry, type RunEntry } from '../../runs/run-entry.js';
import { isTextValue, messageFields } from '../message-fields.js';

/**
 * Encodes a value of a producer, by the same rules as a value of a handler's source.
 *
 * @throws SseError `invalid-event-name`, `invalid-data`, `event-too-large`; `id-not-allowed`
 */
export function encodeRunValue(
  value: unknown,
  serialize: SerializeData,
  maxEventBytes: number | false,
): RunEntry {
  const fields = messageFields(value, serialize);
  checkEventBytes(fields.data, maxEventBytes);
  if (fields.id === undefined) return encodeEntry(fields, isTextValue(value, fields));
  throw new SseError(
    'id-not-allowed',
    'The id of an event of a run is its place in the run. Put your own id into the data.',
  );
}
