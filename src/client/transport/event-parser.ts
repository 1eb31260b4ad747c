/** An event as it is on the wire. */
export interface WireEvent {
  readonly name: string;
  readonly text: string;
  /** Id of this event, or of the last one that had an id (HTML standard, 9.2.6). */
  readonly id: string;
  /** Rooms of the event, where the client asked for them. */
  readonly rooms?: readonly string[];
}

export interface ParserEvents {
  event(event: WireEvent): void;
  /** Called at the end of each block with an id: an id counts even in a block without data. */
  position(id: string): void;
  retry(retryMs: number): void;
}

/**
 * Parses the text of an event stream as section 9.2.6 of the HTML standard says. The text may be split anywhere.
 *
 * A position is reported at the end of its block only: a stream that is cut behind an `id:` line would otherwise skip
 * the event of this line.
 */
export class EventParser {
  readonly #events: ParserEvents;
  #partialLine = '';
  #endsWithCr = false;
  #name = '';
  #data: string[] = [];
  #id: string;
  #hasId = false;

  /** @param id the position at which the stream begins */
  constructor(id: string, events: ParserEvents) {
    this.#id = id;
    this.#events = events;
  }

  feed(text: string): void {
    // The second half of a CRLF that was split.
    const rest = this.#endsWithCr && text.startsWith('\n') ? text.slice(1) : text;
    if (text !== '') this.#endsWithCr = text.endsWith('\r');
    const [first = '', ...others] = rest.split(/\r\n|\r|\n/);
    this.#partialLine += first;
    for (const next of others) {
      this.#line(this.#partialLine);
      this.#partialLine = next;
    }
  }

  #line(line: string): void {
    if (line === '') return this.#endBlock();
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?/s.exec(line) as RegExpExecArray;
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#name = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.#events.retry(Number(value));
    else if (field === 'id' && !value.includes('\0')) {
      this.#id = value;
      this.#hasId = true;
    }
  }

  #endBlock(): void {
    const data = this.#data;
    if (data.length > 0) {
      this.#events.event({ name: this.#name || 'message', text: data.join('\n'), id: this.#id });
    }
    this.#name = '';
    this.#data = [];
    if (this.#hasId) this.#events.position(this.#id);
    this.#hasId = false;
  }
}
