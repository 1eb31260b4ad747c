import { createParser } from 'eventsource-parser';

/** A stream as a client parses it, with a parser that the project did not write. */
export interface Parsed {
  readonly events: { event: string | undefined; data: string; id: string | undefined }[];
  readonly comments: string[];
  readonly retries: number[];
  /** Unknown fields and bad `retry` values, which other clients pass over in silence: an encoder writes none. */
  readonly errors: string[];
}

/** Parses text, or bytes that arrive in pieces wherever they were cut. */
export function parsed(...pieces: readonly (string | Uint8Array)[]): Parsed {
  const found: Parsed = { events: [], comments: [], retries: [], errors: [] };
  const parser = createParser({
    onEvent: ({ event, data, id }) => found.events.push({ event, data, id }),
    onComment: (comment) => found.comments.push(comment),
    onRetry: (retry) => found.retries.push(retry),
    onError: (error) => found.errors.push(`${error.type}: ${error.message}`),
  });
  // `fatal`: the bytes are UTF-8 without a fault. A BOM inside the stream is text; only a leading one would be taken away.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    parser.feed(decoder.decode(bytes, { stream: true }));
  }
  parser.feed(decoder.decode());
  return found;
}

/** Splits bytes at the given places, which may be unordered. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length));
}

/** The text as a client has it: UTF-8 has no lone surrogates. */
export function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

/** Data and comments as a client has them: HTML knows one line end within a field's text, LF. */
export function normalised(text: string): string {
  return wellFormed(text).replace(/\r\n?/g, '\n');
}
