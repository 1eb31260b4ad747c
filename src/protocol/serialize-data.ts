import { SseError } from './sse-error.js';

/** Turns what is not a string into text. What it throws becomes the `cause` of an `SseError`. */
export type SerializeData = (data: unknown) => string;

/**
 * @returns the event's text, and whether the serializer made it
 * @throws SseError `invalid-data` for what has no text: `undefined`, functions, symbols, circular objects
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
