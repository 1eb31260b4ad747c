import { findLossyJsonValue } from './lossy-json-value.js';
import { SseError } from '../sse-error.js';
import { ignoreRejection } from '../thenable.js';

/** Converts data that is not a string to text. An error that it throws becomes the `cause` of an `SseError`. */
export type SerializeData = (data: unknown) => string;

/**
 * Returns a string unchanged, and any other data as serialized.
 *
 * @param eventName named in error messages
 * @returns the event's text; `serialized` is `true` if the serializer created it
 * @throws SseError `invalid-data` for data without a text form: `undefined`, functions, symbols, circular objects;
 * with the default serializer also for a `Map`, `Set`, `Promise` or binary value, which JSON writes without its content
 */
export function serializeData(
  data: unknown,
  serialize: SerializeData,
  eventName?: string,
): { data: string; serialized: boolean } {
  if (typeof data === 'string') return { data, serialized: false };
  if (data === undefined || typeof data === 'function' || typeof data === 'symbol') {
    throw new SseError(
      'invalid-data',
      `The data of ${describeEvent(eventName)} cannot be ${data === undefined ? 'undefined' : `a ${typeof data}`}. Send null, '' or an object instead.`,
    );
  }
  let text: unknown;
  try {
    text = serialize(data);
  } catch (cause) {
    throw new SseError(
      'invalid-data',
      `The data of ${describeEvent(eventName)} could not be serialized. Send plain data, or set the option "serialize".`,
      { cause },
    );
  }
  if (typeof text === 'string') {
    if (serialize === JSON.stringify) refuseLossyJson(data, text, eventName);
    return { data: text, serialized: true };
  }
  ignoreRejection(text);
  throw new SseError(
    'invalid-data',
    `The serializer returned ${typeof text} instead of a string for the data of ${describeEvent(eventName)}.`,
  );
}

function refuseLossyJson(data: unknown, text: string, eventName: string | undefined): void {
  const lossy = findLossyJsonValue(data, text);
  if (lossy === undefined) return;
  const { type, path, cure } = lossy;
  throw new SseError(
    'invalid-data',
    `The data of ${describeEvent(eventName)} holds a ${type} at data${path}, which JSON writes without its content. Send ${cure}, or set the option "serialize".`,
  );
}

function describeEvent(name: string | undefined): string {
  return name === undefined ? 'an event without a name' : `the event ${JSON.stringify(name)}`;
}
