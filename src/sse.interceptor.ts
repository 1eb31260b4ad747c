import {
  ForbiddenException,
  Injectable,
  Optional,
  SetMetadata,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Observable, Subject } from 'rxjs';
import { CROSS_SITE_MESSAGE } from './cross-site/cross-site.js';
import { HttpExchange } from './endpoint/http-exchange.js';
import { answerUnlessAnswered } from './endpoint/response/unanswered-failure.js';
import { isForbiddenOrigin } from './endpoint/identity/origin-check.js';
import { setRequestClient } from './endpoint/request-client.js';
import { requestRooms, type RequestRooms } from './endpoint/routes/request-rooms.js';
import { openRun } from './endpoint/runs/run-route.js';
import { HandlerStream } from './endpoint/handler-stream.js';
import { allowedRooms, type RoomsRequest } from './endpoint/routes/allowed-rooms.js';
import { StreamRoutes } from './endpoint/routes/stream-routes.js';
import { attachSession, sessionKeyOf, type Sessions } from './endpoint/routes/stream-session.js';
import { respondWith } from './endpoint/response/respond-with.js';
import { SseRetryLaterException } from './endpoint/limits/retry-later.exception.js';
import {
  attachSlot,
  refuseAsThrown,
  refuseAtLimit,
  refuseWhileDraining,
  releaseOnceGone,
} from './endpoint/stream-opening.js';
import { StreamLog } from './endpoint/stream-log.js';
import { setHandlerRunner } from './endpoint/routes/wrap-handler.js';
import type { StreamSlot } from './limits/stream-limits.js';
import { drawRetry, type RetryTime } from './protocol/input/retry-time.js';
import { SseError } from './protocol/sse-error.js';
import { after, orElse } from './protocol/thenable.js';
import { SSE_INTERCEPTOR_METADATA } from './sse.constants.js';
import { SseService } from './sse.service.js';

/** A request that the limits have admitted. */
type AdmittedRequest = RoomsRequest & {
  readonly internals: SseService['internals'];
  readonly slot: StreamSlot;
  readonly session: string | undefined;
  readonly sessions: Sessions;
  readonly retryMs: RetryTime | false;
  /** As in `SseClient.isPure`. */
  readonly isPure: boolean;
};

/**
 * Makes a request a client of its rooms. `@SseRoom` installs it together with a wrapper of the handler, so it has no
 * effect on its own: build custom decorators on `@SseRoom`.
 *
 * For Nest the request ends when the stream opens: outer interceptors (logging, timeout, cache) see it end with the value
 * `undefined`, and do not time out a stream. An interceptor written above `@SseRoom` runs between this one and the
 * handler, and may map the values of an Observable one by one.
 *
 * A request fails before its stream opens with the status of the exception: 400 for invalid rooms, otherwise that of
 * guards, pipes or the handler. From the drain of the node on, it is answered with a stream that ends at once, so that
 * the client reconnects. So is a request that is pipelined behind an open stream of the same HTTP/1 connection.
 */
@Injectable()
@SetMetadata(SSE_INTERCEPTOR_METADATA, true)
export class SseInterceptor implements NestInterceptor {
  readonly #log = new StreamLog(SseInterceptor.name);
  readonly #routes = new StreamRoutes(SseInterceptor);

  constructor(@Optional() private readonly sse?: SseService) {
    if (sse !== undefined) return;
    throw new SseError(
      'module-not-imported',
      'A route has @SseRoom(), but SseModule is not there. Import SseModule.forRoot().',
    );
  }

  /** @returns a promise only where something is waited for: each promise costs every connect */
  intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    if (context.getType() !== 'http') return next.handle();
    const exchange = context.switchToHttp();
    const http = new HttpExchange(exchange.getRequest(), exchange.getResponse());
    const failed = (error: unknown): never => {
      this.#expectAnswer(http, error);
      throw error;
    };
    return orElse(() => this.#stream(context, http, next), failed);
  }

  #stream(
    context: ExecutionContext,
    http: HttpExchange,
    next: CallHandler,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<object & { params?: unknown }>();
    const { internals } = this.sse as Partial<SseService>;
    if (internals === undefined) {
      throw new SseError(
        'module-not-imported',
        'SseService is a mock, so no stream can be opened. Import SseModule.forRoot() and spy on its SseService instead.',
      );
    }
    const { options, limits, drain } = internals;
    if (isForbiddenOrigin(http, request, options.allowedOrigins))
      throw new ForbiddenException(CROSS_SITE_MESSAGE);
    const { metadata } = this.#routes.of(context);
    const { run: runRoute, control = runRoute?.options.control ?? true } = metadata;
    const retryMs = metadata.retryMs ?? (control && options.retryMs);
    // The position of a run is in no session.
    const sessions = runRoute === undefined ? internals.sessions : undefined;

    if (drain.hasBegun) return respondWith((done) => refuseWhileDraining(http, retryMs, done));
    if (!http.claimConnection()) return respondWith((done) => http.answerReconnect(drawRetry(retryMs), done));
    const session = sessionKeyOf(http, sessions);
    http.watchSession();
    if (http.request.method === 'HEAD') {
      const head = (): Observable<undefined> => respondWith((done) => http.answerHead(done));
      return after(requestRooms(metadata, request, context, internals, this.#log), head);
    }
    // Taken before rooms are awaited, so that simultaneous requests cannot pass together.
    const slot = limits.enter(request);
    if (typeof slot === 'string') return respondWith((done) => refuseAtLimit(http, limits, slot, done));
    const refuse = (error: unknown): Observable<undefined> => {
      slot.release();
      if (!(error instanceof SseRetryLaterException)) throw error;
      return respondWith((done) => refuseAsThrown(http, error, options.limits.retryAfterMs, done));
    };
    const asked = { http, request, metadata, context, internals, log: this.#log };
    const begin = (named: RequestRooms): Observable<unknown> =>
      this.#begin({ ...asked, internals, slot, session, sessions, retryMs, isPure: !control }, named, next);
    let named: RequestRooms | Promise<RequestRooms>;
    try {
      named = allowedRooms(asked);
    } catch (error) {
      return refuse(error);
    }
    if (!(named instanceof Promise)) return begin(named);
    return named.finally(releaseOnceGone(http, slot)).then(begin, refuse);
  }

  /** Makes an admitted request a client of its rooms. */
  #begin(admitted: AdmittedRequest, { rooms, run }: RequestRooms, next: CallHandler): Observable<unknown> {
    const { http, request, metadata, context, slot, session, sessions, retryMs, isPure } = admitted;
    const { hub, options, limits, runs } = admitted.internals;
    const { run: runRoute } = metadata;
    const client = hub.register({
      request,
      writer: http.createWriter(metadata.compress === true ? hub.connections.gzipPieces : undefined),
      lastEventId: http.lastEventId(),
      tracksPosition: metadata.sources.length > 0 || session !== undefined,
      held: true,
    });
    client.isPure = isPure;
    attachSession(client, sessions, session);
    attachSlot(client, slot);
    setRequestClient(request, client);
    const { readyEvent } = options;
    const mapped = this.#routes.of(context).hasInnerInterceptors ? new Subject<unknown>() : undefined;
    const stream = new HandlerStream({
      mapped,
      hub,
      http,
      client,
      limits,
      slot,
      serialize: options.serialize,
      retryMs,
      replay: metadata.replay,
      snapshot: metadata.snapshot,
      openOnFirstEvent: metadata.openOnFirstEvent ?? false,
      endOnComplete: run === undefined ? metadata.endOnComplete : true,
      openRun:
        runRoute === undefined || run === undefined
          ? undefined
          : (handler) =>
              openRun(
                { node: runs.node, run, metadata: runRoute, client, request, readyEvent, limits },
                handler,
              ),
      onFailure: (error) => this.#log.failed(context.getHandler().name, http.path, client, error),
    });
    for (const room of rooms) hub.joinAtRequest(client, room);
    setHandlerRunner(context.switchToHttp().getResponse<object>(), stream);
    return this.#run(stream, http, next, mapped);
  }

  #run(
    stream: HandlerStream,
    http: HttpExchange,
    next: CallHandler,
    mapped: Subject<unknown> | undefined,
  ): Observable<unknown> {
    return new Observable((subscriber) => {
      const handler = next.handle().subscribe({
        next: (value) => {
          // An interceptor answered instead of the handler: its values are the source.
          if (!stream.hasRun) stream.start(mapped);
          mapped?.next(value);
        },
        error: (error) => {
          stream.refuse(error);
          mapped?.error(error);
        },
        complete: () => {
          stream.start(stream.hasRun ? undefined : mapped);
          mapped?.complete();
        },
      });
      stream.opened.then(
        () => {
          // Nest reports a request that ends without a value as an error.
          subscriber.next(undefined);
          subscriber.complete();
        },
        (error: unknown) => {
          this.#expectAnswer(http, error);
          subscriber.error(error);
        },
      );
      return () => {
        if (mapped?.observed) stream.onceClosed(() => handler.unsubscribe());
        else handler.unsubscribe();
        stream.refuse();
      };
    });
  }

  #expectAnswer(http: HttpExchange, error: unknown): void {
    answerUnlessAnswered(http, () => this.#log.unanswered(http.path, error));
  }
}
