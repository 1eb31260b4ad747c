import { findLossyJsonValue } from './lossy-json-value.js';
import { SseError } from './sse-error.js';

/** Turns what is not a string into text. What it throws becomes the `cause` of an `SseError`. */
export type SerializeData = (data: unknown) => string;

/**
 * @param eventName named in error messages
 * @returns the event's text, and whether the serializer made it
 * @throws SseError `invalid-data` for what has no text: `undefined`, functions, symbols, circular objects, and with the
 * default serializer for a `Map`, `Set`, `Promise` or binary value, which JSON would write without its content
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
