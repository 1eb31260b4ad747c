import { SseError } from './sse-error.js';

/** Converts data that is not a string to text. An error that it throws becomes the `cause` of an `SseError`. */
export type SerializeData = (data: unknown) => string;

/**
 * Returns a string unchanged, and any other data as serialized.
 *
 * @returns the event's text; `serialized` is `true` if the serializer created it
 * @throws SseError `invalid-data` for data without a text form: `undefined`, functions, symbols, circular objects
 */
export function serializeData(
  data: unknown,
  serialize: SerializeData,
): { data: string; serialized: boolean } {
  if (typeof data === 'string') return { data, serialized: false };
  if (data === undefined || typeof data === 'function' || typeof data === 'symbol') {
    throw new SseError(
      'invalid-data',
      `An event's data cannot be ${data === undefined ? 'undefined' : `a ${typeof data}`}. Send null, '' or an object instead.`,
    );
  }
  let text: unknown;
  try {
    text = serialize(data);
  } catch (cause) {
    throw new SseError(
      'invalid-data',
      'The data of an event could not be serialized. Send plain data, or set the option "serialize".',
      { cause },
    );
  }
  if (typeof text === 'string') return { data: text, serialized: true };
  throw new SseError('invalid-data', `The serializer returned ${typeof text} instead of a string.`);
}
