import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { requestOverHttp1, requestOverHttp2, type RawResponse, type RequestOptions } from './raw-response.js';
import { within } from './within.js';
import type { ClientHttp2Session } from 'node:http2';

export interface OpenOptions extends RequestOptions {
  /** Requests over this HTTP/2 session instead of a connection of its own. */
  session?: ClientHttp2Session;
}

/** `event` is 'message' where the stream names none, as in a browser. */
export interface ReceivedEvent {
  event: string;
  data: string;
  id: string | undefined;
}

/** The end of a response: whole, or cut before its end. */
export type Ending = 'whole' | 'cut';

/** Sends the request and resolves at the response head, with any status. */
export async function openStream(url: string, options: OpenOptions = {}): Promise<EventStream> {
  const response = options.session
    ? requestOverHttp2(options.session, url, options)
    : requestOverHttp1(url, options);
  return new EventStream(await within(response, `a response head from ${url}`));
}

/** One response, read as an event stream by a parser that the project did not write. */
export class EventStream {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly ended: Promise<Ending>;
  readonly events: ReceivedEvent[] = [];
  readonly comments: string[] = [];
  readonly retries: number[] = [];
  readonly parseErrors: string[] = [];
  rawText = '';

  private readonly waiting = new Set<() => void>();
  private ending: Ending | undefined;
  private nextIndex = 0;

  constructor(private readonly response: RawResponse) {
    this.status = response.status;
    this.headers = response.headers;
    const parser = createParser({
      onEvent: (message) => this.events.push(receivedEvent(message)),
      onComment: (comment) => this.comments.push(comment),
      onRetry: (retry) => this.retries.push(retry),
      onError: (error) => this.parseErrors.push(`${error.type}: ${error.message}`),
    });
    response.body.setEncoding('utf8');
    response.body.on('data', (text: string) => {
      this.rawText += text;
      if (this.isEventStream) parser.feed(text);
      this.wake();
    });
    this.ended = response.ended.then((ending) => {
      this.ending = ending;
      this.wake();
      return ending;
    });
  }

  get isEventStream(): boolean {
    return /^text\/event-stream\b/.test(String(this.headers['content-type']));
  }

  get isOpen(): boolean {
    return this.ending === undefined;
  }

  /** Returns the next event of the application; the module's own `sse:ready` and `sse:gap` only with `control`. */
  async nextEvent(options: { control?: boolean } = {}): Promise<ReceivedEvent> {
    return this.until('the next event', () => {
      while (this.nextIndex < this.events.length) {
        const event = this.events[this.nextIndex++];
        if (event && (options.control || !isControl(event))) return event;
      }
      return undefined;
    });
  }

  async nextEvents(count: number): Promise<ReceivedEvent[]> {
    const events: ReceivedEvent[] = [];
    while (events.length < count) events.push(await this.nextEvent());
    return events;
  }

  /** Resolves once this many comments have arrived. */
  async receivedComments(count: number): Promise<void> {
    await this.until(`${count} comments`, () => this.comments.length >= count || undefined);
  }

  async receivedRetry(ms: number): Promise<void> {
    await this.until(`retry: ${ms}`, () => this.retries.includes(ms) || undefined);
  }

  /** Returns the whole body of an answer that is no stream. */
  async text(): Promise<string> {
    await within(this.ended, 'the end of the body');
    return this.rawText;
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown;
  }

  /** Returns the application's events once the stream has ended. */
  async eventsUntilEnd(): Promise<ReceivedEvent[]> {
    await within(this.ended, 'the end of the stream');
    return this.events.filter((event) => !isControl(event));
  }

  pause(): void {
    this.response.body.pause();
  }

  resume(): void {
    this.response.body.resume();
  }

  close(): void {
    this.response.close();
  }

  private async until<T>(what: string, take: () => T | undefined): Promise<T> {
    const taken = new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const found = take();
        if (found === undefined && this.isOpen) return;
        this.waiting.delete(look);
        if (found === undefined) reject(new Error(`the stream ended (${this.ending}) before ${what}`));
        else resolve(found);
      };
      this.waiting.add(look);
      look();
    });
    try {
      return await within(taken, what);
    } catch (error) {
      throw new Error(`${String(error)}; received so far: ${JSON.stringify(this.rawText.slice(-2000))}`, {
        cause: error,
      });
    }
  }

  private wake(): void {
    for (const look of this.waiting) look();
  }
}

/** Returns what the parser refuses in the text of a stream. */
export function faultsOf(text: string): string[] {
  const faults: string[] = [];
  createParser({ onError: ({ type, message }) => faults.push(`${type}: ${message}`) }).feed(text);
  return faults;
}

function receivedEvent(message: EventSourceMessage): ReceivedEvent {
  return { event: message.event ?? 'message', data: message.data, id: message.id };
}

function isControl(event: ReceivedEvent): boolean {
  return event.event === 'sse:ready' || event.event === 'sse:gap';
}
