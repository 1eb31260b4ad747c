/** The fields of one event, validated by `event-fields.ts`. */
export interface SseFields {
  readonly event?: string | undefined;
  readonly data?: string | undefined;
  readonly id?: string | undefined;
  /** Reconnection time in milliseconds. */
  readonly retry?: number | undefined;
  readonly comment?: string | undefined;
}

// HTML standard, 9.2.5: only CRLF, LF and CR end a line; U+2028 and U+0085 are left unchanged.
const LINE_END = /\r\n|\r|\n/g;
const HAS_LINE_END = /[\r\n]/;

/**
 * Encodes one event as text (HTML standard, section 9.2.5).
 *
 * The space after the colon is always written: a client removes one, so a payload would lose its own leading space. The
 * blank line that dispatches the event follows only data or an id: after a comment or `retry` alone, some clients would
 * fire an empty message. An event name without data is omitted: it would name the next event.
 *
 * The id is the last line. Some clients built on fetch store an id as soon as they read its line; if the connection is
 * cut inside an event, they must not have stored the id of that event.
 */
export function encodeEvent(fields: SseFields): string {
  let text = encodeLines(fields);
  if (fields.id !== undefined) text += `id: ${fields.id}\n`;
  return fields.data === undefined && fields.id === undefined ? text : `${text}\n`;
}

/** Encodes an event without its id and the blank line. */
export function encodeLines(fields: Omit<SseFields, 'id'>): string {
  let text = '';
  if (fields.comment !== undefined) text += `: ${lines(fields.comment, '\n: ')}\n`;
  if (fields.retry !== undefined) text += `retry: ${fields.retry}\n`;
  if (fields.data !== undefined) {
    if (fields.event !== undefined) text += `event: ${fields.event}\n`;
    text += `data: ${lines(fields.data, '\ndata: ')}\n`;
  }
  return text;
}

function lines(text: string, separator: string): string {
  return HAS_LINE_END.test(text) ? text.replace(LINE_END, separator) : text;
}
