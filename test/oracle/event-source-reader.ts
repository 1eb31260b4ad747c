import { StringDecoder } from 'node:string_decoder';
import { createParser } from 'eventsource-parser';

/** One event as `EventSource` dispatches it. */
export interface DispatchedEvent {
  type: string;
  data: string;
  /** The event's own `id:` field; `undefined` where it has none. */
  id: string | undefined;
}

/**
 * Reads the bytes of one connection as an `EventSource` does (HTML standard, 9.2.6). The last event id changes at the
 * blank line that ends a block, also of a block without data, and never before.
 *
 * Events are parsed by `eventsource-parser`, an independent implementation. It does not report blocks that hold only an
 * id, so these are read here; `readsIdOnly: false` ignores them, as clients built on that library do.
 */
export class EventSourceReader {
  lastEventId: string;
  private readonly decoder = new StringDecoder('utf8');
  private readonly parser = createParser({
    onEvent: (message) => {
      this.dispatched = { type: message.event ?? 'message', data: message.data, id: message.id };
    },
  });
  private dispatched: DispatchedEvent | undefined;
  private unread = '';

  constructor(
    lastEventId: string,
    private readonly onEvent: (event: DispatchedEvent) => void,
    private readonly readsIdOnly = true,
  ) {
    this.lastEventId = lastEventId;
  }

  feed(bytes: Buffer): void {
    this.unread += this.decoder.write(bytes);
    let start = 0;
    for (let end = this.unread.indexOf('\n\n'); end !== -1; end = this.unread.indexOf('\n\n', start)) {
      this.readBlock(this.unread.slice(start, end + 2));
      start = end + 2;
    }
    this.unread = this.unread.slice(start);
  }

  private readBlock(text: string): void {
    this.dispatched = undefined;
    this.parser.feed(text);
    const event = this.dispatched as DispatchedEvent | undefined;
    const idOfBlock = (): string | undefined =>
      this.readsIdOnly ? /^id: ?(.*)$/m.exec(text)?.[1] : undefined;
    const id = event === undefined ? idOfBlock() : event.id;
    if (id !== undefined) this.lastEventId = id;
    if (event !== undefined) this.onEvent(event);
  }
}
