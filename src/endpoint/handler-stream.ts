import type { Observable } from 'rxjs';
import type { EndReason } from '../connection/connection-owner.interface.js';
import type { SseClient } from '../connection/sse-client.js';
import { clientLabel } from '../logs/client-label.js';
import { encodeEvent } from '../protocol/encode-event.js';
import { RESERVED_EVENT_PREFIX } from '../protocol/input/event-fields.js';
import type { Replay } from '../protocol/input/replay-option.js';
import { spreadRetry, type RetryTime } from '../protocol/input/retry-time.js';
import type { SerializeData } from '../protocol/input/serialize-data.js';
import { SseFrame } from '../protocol/sse-frame.js';
import { after, orElse } from '../protocol/thenable.js';
import type { RoomHub } from '../rooms/room-hub.js';
import { isMappable, readSource, type SourceSink } from './handler-source.js';
import { messageFields } from './message-fields.js';
import type { StreamLimits, StreamSlot } from '../limits/stream-limits.js';
import type { HttpExchange } from './http-exchange.js';
import { InsteadOfStream } from './response/instead-of-stream.js';
import type { HandlerRunner } from './routes/wrap-handler.js';
import { EndpointSnapshot } from './snapshot/endpoint-snapshot.js';
import type { SseSnapshot } from './snapshot/snapshot-option.js';
import { openWithinLimits } from './stream-opening.js';

export interface HandlerStreamOptions {
  readonly hub: RoomHub;
  readonly http: HttpExchange;
  readonly client: SseClient;
  readonly limits: StreamLimits;
  readonly slot: StreamSlot;
  readonly serialize: SerializeData;
  readonly retryMs: RetryTime | false;
  /** As in `SseRoomOptions`. */
  readonly replay: Replay | undefined;
  /** As in `SseRoomOptions`. */
  readonly snapshot: SseSnapshot<never> | undefined;
  readonly openOnFirstEvent: boolean;
  /** `undefined`: `true` for a client in no room and without a session. */
  readonly endOnComplete: boolean | undefined;
  readonly onFailure: (error: unknown) => void;
  /** Values of the handler after the interceptors between `@SseRoom` and it; `undefined` without such interceptors. */
  readonly mapped: Observable<unknown> | undefined;
  /** Runs the handler of a run's route, and returns what the stream reads instead. Default: none. */
  readonly openRun?: ((handler: () => unknown) => Promise<unknown>) | undefined;
}

// Without a cause, which is logged and not for clients.
const FAILURE = encodeEvent({
  event: `${RESERVED_EVENT_PREFIX}error`,
  data: JSON.stringify({ message: 'The stream failed.' }),
});

/**
 * The stream of one request to an `@SseRoom` endpoint: runs the handler, opens the stream, and sends the values of the
 * handler's source.
 *
 * The stream opens at the first event, or one turn of the event loop after the handler, with its promise, has returned.
 * A failure before that is answered with its HTTP status.
 */
export class HandlerStream implements HandlerRunner, SourceSink {
  readonly #options: HandlerStreamOptions;
  /** Resolves when the stream has opened or its client has gone. Rejects with a failure before that. */
  readonly opened: Promise<void>;
  readonly #snapshot: EndpointSnapshot | undefined;
  #settle!: { resolve: () => void; reject: (error: unknown) => void };
  #started = false;
  /** `true` once the head is being prepared: a failure can no longer be answered with its HTTP status. */
  #opening = false;
  /** `true` once the handler was called; `false` if it failed, or was not called: an interceptor may answer in its place. */
  hasRun = false;

  constructor(options: HandlerStreamOptions) {
    this.#options = options;
    const { snapshot } = options;
    if (snapshot !== undefined)
      this.#snapshot = new EndpointSnapshot({
        ...options,
        snapshot,
        onFailure: (error) => this.error(error),
      });
    this.opened = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    options.client.onceClosed = (reason) => {
      const settle = (): void => this.#settle.resolve();
      // The client reconnects, as after the end of an open stream by a shutdown.
      if (reason === 'shutdown') options.http.answerReconnect(spreadRetry(options.retryMs), settle);
      else settle();
    };
    // Gone while a guard or a room function ran: nothing will call `onceClosed`.
    if (options.client.isClosed) this.#settle.resolve();
  }

  /** Runs the handler and starts with its result. @returns the result that Nest passes to interceptors, if any, or a promise */
  run(handler: () => unknown, controller?: unknown): unknown {
    this.hasRun = true;
    if (this.#snapshot !== undefined) this.#snapshot.controller = controller;
    const { openRun } = this.#options;
    const failed = (error: unknown): never => {
      this.hasRun = false;
      throw error;
    };
    const call = (): unknown => (openRun === undefined ? handler() : openRun(handler));
    return after(orElse(call, failed), (source) => this.#runWith(source));
  }

  #runWith(source: unknown): unknown {
    const { mapped } = this.#options;
    if (source instanceof InsteadOfStream) return this.#answerInstead(source);
    if (mapped === undefined || !isMappable(source)) return this.start(source);
    this.start(mapped);
    return source;
  }

  #answerInstead({ answer }: InsteadOfStream): void {
    const { client, http } = this.#options;
    if (this.#started || client.isClosed) return;
    this.#started = this.#opening = true;
    answer(http, () => this.#reject());
  }

  /** Starts reading the result of the handler. Does nothing from the second call on. */
  start(source: unknown): void {
    const { client, openOnFirstEvent, endOnComplete } = this.#options;
    if (this.#started || client.isClosed) return;
    this.#started = true;
    if (source !== undefined && source !== null) client.endOnComplete = endOnComplete ?? 'without rooms';
    client.connection.onEarlyFrame = () => this.#open();
    readSource(source, client, this);
    if (client.isClosed || client.connection.isOpen) return;
    if (client.connection.hasEarlyFrames || client.connection.endsAtOpen !== undefined) this.#open();
    else if (!openOnFirstEvent) setImmediate(() => this.#open());
  }

  /** Rejects the request with `error`, which becomes its HTTP answer. Does nothing once the stream opens. */
  refuse(error?: unknown): void {
    if (!this.#opening) this.#reject(error);
  }

  /** Calls `listener` when the stream has ended. */
  onceClosed(listener: () => void): void {
    this.#options.client.closed.then(listener).catch((error) => this.stopFailed(error));
  }

  next(value: unknown, waits = false): void {
    const { client, hub, serialize } = this.#options;
    if (client.isClosed) return;
    if (value instanceof SseFrame) return void client.connection.deliver(value, !waits);
    try {
      hub.events.sendFields(client, messageFields(value, serialize), { bounded: !waits });
    } catch (error) {
      this.error(error);
    }
  }

  caughtUp(): Promise<void> | undefined {
    const { client, hub } = this.#options;
    if (!this.#opening || client.connection.isOpen) return hub.caughtUp(client);
    // An iterable must not fill the queue while hooks of Fastify run.
    return this.opened.then(
      () => hub.caughtUp(client),
      () => {},
    );
  }

  error(error: unknown): void {
    const { client, onFailure } = this.#options;
    if (client.isClosed) return;
    if (!this.#opening) return this.refuse(error);
    onFailure(error);
    if (client.isPure) return client.connection.close('source-failed', true);
    client.connection.deliver(new SseFrame(FAILURE));
    this.#end('source-failed');
  }

  stopFailed(error: unknown): void {
    const { client, hub } = this.#options;
    hub.callbacks.report('handler source', error, clientLabel(client));
  }

  complete(): void {
    const { client } = this.#options;
    if (client.isClosed || !client.endsWithSource) return;
    this.#open();
    this.#end('source-ended');
  }

  #open(): void {
    const { client, http } = this.#options;
    if (this.#opening || client.isClosed) return;
    if (this.#snapshot?.isPrepared === false) {
      this.#snapshot.prepare().then(
        () => this.#open(),
        (error: unknown) => this.refuse(error),
      );
      return;
    }
    this.#opening = true;
    http.prepareHead({
      onHead: () => this.#sendHead(),
      onAnswered: () => this.#reject(),
      onFailure: (error) => this.#reject(error),
    });
  }

  #sendHead(): void {
    const { client, http, retryMs, replay } = this.#options;
    if (client.isClosed) return;
    if (client.isPure) client.connection.sendHeartbeat = () => {};
    try {
      http.detachFromFramework();
      http.drainUnreadBody();
      const opening = { retryMs, newest: replay, snapshot: this.#snapshot };
      const waiting = openWithinLimits(this.#options, opening);
      if (waiting === undefined) this.#headSent();
      else waiting.then(() => this.#headSent()).catch((error: unknown) => this.#headFailed(error));
    } catch (error) {
      this.#headFailed(error);
    }
  }

  /** An invalid header, or a failing `writeHead` of a middleware, must not end the process. */
  #headFailed(error: unknown): void {
    this.#settle.reject(error);
    this.#options.client.connection.close('refused');
  }

  #headSent(): void {
    const { client } = this.#options;
    if (client.isClosed) return;
    client.onceClosed = undefined;
    this.#settle.resolve();
    const { endsAtOpen } = client.connection;
    if (endsAtOpen !== undefined) this.#end(endsAtOpen);
  }

  /** @param error becomes the HTTP answer; `undefined` where the request is answered */
  #reject(error?: unknown): void {
    const { client } = this.#options;
    if (client.isClosed || client.connection.isOpen) return;
    if (error === undefined) this.#settle.resolve();
    else this.#settle.reject(error);
    client.connection.close('refused');
  }

  /** Ends the stream after the missed events; one that is not open yet, once it has opened. */
  #end(reason: EndReason): void {
    const { client } = this.#options;
    if (!client.connection.isOpen) return void (client.connection.endsAtOpen ??= reason);
    const caughtUp = this.caughtUp();
    if (caughtUp === undefined) client.connection.close(reason);
    else void caughtUp.then(() => client.connection.close(reason));
  }
}
