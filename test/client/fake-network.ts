import type { EventSourceLike, MessageLike, RequestLike, ResponseLike } from '../../src/client/platform.js';

/** An `EventSource` that does what a spec says. */
export class FakeEventSource implements EventSourceLike {
  static opened: FakeEventSource[] = [];
  readyState = 0;
  readonly #listeners = new Map<string, ((event: MessageLike) => void)[]>();

  constructor(
    readonly url: string,
    readonly init?: { readonly withCredentials?: boolean },
  ) {
    FakeEventSource.opened.push(this);
  }

  /** The newest one. */
  static get last(): FakeEventSource {
    const source = FakeEventSource.opened.at(-1);
    if (source === undefined) throw new Error('no EventSource was opened');
    return source;
  }

  addEventListener(type: string, listener: (event: MessageLike) => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  close(): void {
    this.readyState = 2;
  }

  open(): void {
    this.readyState = 1;
    this.#fire('open', {});
  }

  /** Fires a message, unless the client has closed this source. */
  emit(type: string, data: unknown = null, lastEventId = ''): void {
    if (this.readyState !== 2) this.#fire(type, { data: JSON.stringify(data), lastEventId });
  }

  /** Fails as after a cut: the browser reconnects by itself. */
  cut(): void {
    this.readyState = 0;
    this.#fire('error', {});
  }

  /** Fails as after a status other than 200: closed for good. */
  refuse(): void {
    this.readyState = 2;
    this.#fire('error', {});
  }

  #fire(type: string, event: Omit<MessageLike, 'type'>): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ type, ...event });
  }
}

/** One request to a `FakeServer`. */
export interface FakeRequest extends RequestLike {
  readonly url: string;
  /** Adds text to the body of the answer. */
  write(text: string): void;
  /** Ends the body. */
  end(): void;
}

/** A `fetch` whose answers a spec names: a status, or `'down'` for no answer. 200 opens a stream. */
export class FakeServer {
  readonly requests: FakeRequest[] = [];
  readonly answers: (number | 'down')[] = [];
  headers: Record<string, string> = {};

  get last(): FakeRequest {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error('nothing was requested');
    return request;
  }

  readonly fetch = async (url: string, request: RequestLike): Promise<ResponseLike> => {
    const stream = new TransformStream<Uint8Array, Uint8Array>();
    const writer = stream.writable.getWriter();
    const encoder = new TextEncoder();
    this.requests.push({
      url,
      ...request,
      write: (text) => void writer.write(encoder.encode(text)).catch(() => {}),
      end: () => void writer.close().catch(() => {}),
    });
    request.signal?.addEventListener('abort', () => void writer.abort(new Error('aborted')).catch(() => {}));
    const status = this.answers.shift() ?? 200;
    if (status === 'down') throw new TypeError('fetch failed');
    return new Response(status === 204 ? null : stream.readable, {
      status,
      headers: status === 200 ? { 'content-type': 'text/event-stream' } : this.headers,
    });
  };
}
