/** The fields of one event, already checked (`event-fields.ts`). */
export interface SseFields {
  readonly event?: string | undefined;
  readonly data?: string | undefined;
  readonly id?: string | undefined;
  /** Milliseconds. */
  readonly retry?: number | undefined;
  readonly comment?: string | undefined;
}

// HTML standard, 9.2.5: lines end with CRLF, LF or CR and with nothing else; U+2028 and U+0085 pass through.
const LINE_END = /\r\n|\r|\n/g;
const HAS_LINE_END = /[\r\n]/;

/**
 * Writes one event as text, by the HTML standard, section 9.2.5.
 *
 * The space after the colon is always written: a client removes one, so without it a payload would lose its own
 * leading space. The blank line that dispatches the event is written only where there is data or an id: after a bare
 * comment or `retry` it would make some clients fire an empty message, and the lines count just as well as the head
 * of the next event. A name without data is not written: it would name the next event.
 *
 * The id is the last line. A client that takes it as soon as it is read, as some built on fetch do, would otherwise
 * keep the id of an event that a cut connection took from it.
 */
export function encodeEvent(fields: SseFields): string {
  let text = '';
  if (fields.comment !== undefined) text += `: ${lines(fields.comment, '\n: ')}\n`;
  if (fields.retry !== undefined) text += `retry: ${fields.retry}\n`;
  if (fields.data !== undefined) {
    if (fields.event !== undefined) text += `event: ${fields.event}\n`;
    text += `data: ${lines(fields.data, '\ndata: ')}\n`;
  }
  if (fields.id !== undefined) text += `id: ${fields.id}\n`;
  return fields.data === undefined && fields.id === undefined ? text : `${text}\n`;
}

function lines(text: string, separator: string): string {
  return HAS_LINE_END.test(text) ? text.replace(LINE_END, separator) : text;
}
