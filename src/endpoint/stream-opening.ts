import { isObservable, type Observable } from 'rxjs';
import type { SseClient } from '../connection/sse-client.js';
import { encodeEvent } from '../protocol/encode-event.js';
import { RESERVED_EVENT_PREFIX } from '../protocol/event-fields.js';
import type { SerializeData } from '../protocol/serialize-data.js';
import { SseFrame } from '../protocol/sse-frame.js';
import type { RoomHub } from '../rooms/room-hub.js';
import { readSource, type SourceSink } from './handler-source.js';
import { messageFields } from './message-fields.js';
import type { RawHttp } from './raw-http.js';
import type { HandlerRunner } from './take-over.js';

export interface OpeningOptions {
  readonly hub: RoomHub;
  readonly http: RawHttp;
  readonly client: SseClient;
  readonly serialize: SerializeData;
  readonly retryMs: number | false;
  readonly openOnFirstEvent: boolean;
  /** `undefined`: when the client is in no room. */
  readonly endOnComplete: boolean | undefined;
  readonly onFailure: (error: unknown) => void;
  /** What interceptors between `@SseRoom` and the handler make of its values; none where there are no such. */
  readonly mapped: Observable<unknown> | undefined;
}

// Neutral on purpose: what failed is for the log, not for strangers.
const FAILURE = encodeEvent({
  event: `${RESERVED_EVENT_PREFIX}error`,
  data: JSON.stringify({ message: 'The stream failed.' }),
});

/**
 * One request on its way to being a stream, and its handler's source from then on.
 *
 * The stream opens at the first event, or one turn of the event loop after the handler (with its promise) has
 * returned. Whatever fails before that is the request's own failure, and gets its real HTTP status.
 */
export class StreamOpening implements HandlerRunner, SourceSink {
  readonly #options: OpeningOptions;
  /** Settles when the stream has opened or its client has gone; rejects with what failed before. */
  readonly opened: Promise<void>;
  #settle!: { resolve: () => void; reject: (error: unknown) => void };
  #began = false;

  constructor(options: OpeningOptions) {
    this.#options = options;
    this.opened = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    options.client.onceClosed = (reason) => {
      // Told to come back, as at every other end of a stream by the application's closing.
      if (reason === 'shutdown') options.http.sendAway(options.retryMs);
      this.#settle.resolve();
    };
  }

  /** Runs the handler, and begins with what it returned. @returns what is left for Nest to read */
  async run(handler: () => unknown): Promise<unknown> {
    const source = await handler();
    const { mapped } = this.#options;
    if (mapped === undefined || !isObservable(source)) return this.begin(source);
    this.begin(mapped);
    return source;
  }

  /** Begins the stream of a handler that has returned. Only the first call counts. */
  begin(source: unknown): void {
    const { client, openOnFirstEvent } = this.#options;
    if (this.#began || client.isClosed) return;
    this.#began = true;
    client.connection.onEarlyFrame = () => this.#open();
    readSource(source, client, this);
    if (client.isClosed || client.connection.isOpen) return;
    if (client.connection.hasEarlyFrames || client.connection.endsAtOpen !== undefined) this.#open();
    else if (!openOnFirstEvent) setImmediate(() => this.#open());
  }

  /** Gives the request up before its stream opened: it is answered with a status, or not at all. */
  refuse(error?: unknown): void {
    const { client } = this.#options;
    if (client.isClosed || client.connection.isOpen) return;
    this.#settle.reject(error);
    client.connection.close('refused');
  }

  /** Calls `listener` when the stream has ended. */
  onceClosed(listener: () => void): void {
    void this.#options.client.closed.then(listener);
  }

  next(value: unknown, waits = false): void {
    const { client, hub, serialize } = this.#options;
    if (client.isClosed) return;
    try {
      hub.sendFields(client, messageFields(value, serialize), { bounded: !waits });
    } catch (error) {
      this.error(error);
    }
  }

  caughtUp(): Promise<void> | undefined {
    return this.#options.hub.caughtUp(this.#options.client);
  }

  error(error: unknown): void {
    const { client, onFailure } = this.#options;
    if (client.isClosed) return;
    if (!client.connection.isOpen) return this.refuse(error);
    onFailure(error);
    client.connection.deliver(new SseFrame(FAILURE));
    this.#end('source-failed');
  }

  complete(): void {
    const { client, endOnComplete } = this.#options;
    if (client.isClosed || !(endOnComplete ?? client.roomNames().length === 0)) return;
    this.#open();
    this.#end('source-ended');
  }

  #open(): void {
    const { client, http, hub, retryMs } = this.#options;
    if (client.isClosed || client.connection.isOpen) return;
    try {
      http.takeOver();
      http.drainUnreadBody();
      hub.open(client, http.headers(), retryMs);
    } catch (error) {
      // A header that cannot be sent, a middleware's own `writeHead` that throws: no reason to end the process.
      this.#settle.reject(error);
      client.connection.close('refused');
      return;
    }
    client.onceClosed = undefined;
    void hub.attach(client, { ready: true });
    this.#settle.resolve();
    const { endsAtOpen } = client.connection;
    if (endsAtOpen !== undefined) this.#end(endsAtOpen);
  }

  #end(reason: 'source-ended' | 'source-failed' | 'closed' | 'disconnected'): void {
    const { client } = this.#options;
    const caughtUp = this.caughtUp();
    // The stream ends after the missed events.
    if (caughtUp === undefined) client.connection.close(reason);
    else void caughtUp.then(() => client.connection.close(reason));
  }
}
