import { StringDecoder } from 'node:string_decoder';
import { createParser } from 'eventsource-parser';

/** One event as `EventSource` would dispatch it. */
export interface DispatchedEvent {
  type: string;
  data: string;
  /** The event's own `id:`, if it had one. */
  id: string | undefined;
}

/**
 * Reads the bytes of one connection as an `EventSource` does (HTML standard, 9.2.6), whose last event id outlives the
 * connection: it moves at the blank line that ends a block, also of a block without data, and never before.
 *
 * The events themselves are read by `eventsource-parser`, which the project did not write. It does not report blocks
 * that hold an id alone, so those are read here; with `idOnly: false` they are not, as in clients built on it.
 */
export class SpecReader {
  lastEventId: string;
  private readonly decoder = new StringDecoder('utf8');
  private readonly parser = createParser({
    onEvent: (message) => {
      this.dispatched = { type: message.event ?? 'message', data: message.data, id: message.id };
    },
  });
  private dispatched: DispatchedEvent | undefined;
  private rest = '';

  constructor(
    lastEventId: string,
    private readonly onEvent: (event: DispatchedEvent) => void,
    private readonly idOnly = true,
  ) {
    this.lastEventId = lastEventId;
  }

  feed(bytes: Buffer): void {
    this.rest += this.decoder.write(bytes);
    let start = 0;
    for (let end = this.rest.indexOf('\n\n'); end !== -1; end = this.rest.indexOf('\n\n', start)) {
      this.block(this.rest.slice(start, end + 2));
      start = end + 2;
    }
    this.rest = this.rest.slice(start);
  }

  private block(text: string): void {
    this.dispatched = undefined;
    this.parser.feed(text);
    const event = this.dispatched as DispatchedEvent | undefined;
    const id = event === undefined ? (this.idOnly ? /^id: ?(.*)$/m.exec(text)?.[1] : undefined) : event.id;
    if (id !== undefined) this.lastEventId = id;
    if (event !== undefined) this.onEvent(event);
  }
}
