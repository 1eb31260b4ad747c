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
import { INTERCEPTORS } from './endpoint/routes/nest-metadata.js';
import { HttpExchange } from './endpoint/http-exchange.js';
import { answerUnlessAnswered } from './endpoint/response/unanswered-failure.js';
import { isForbiddenOrigin } from './endpoint/identity/origin-check.js';
import { setRequestClient } from './endpoint/request-client.js';
import { roomMetadataOf } from './endpoint/routes/room-metadata.js';
import { requestRooms, type RequestRooms } from './endpoint/routes/request-rooms.js';
import { openRun } from './endpoint/runs/run-route.js';
import { HandlerStream } from './endpoint/handler-stream.js';
import { attachSession, sessionKeyOf } from './endpoint/routes/stream-session.js';
import { checkTicketRooms, redeemTicket, TicketsUnavailableException } from './endpoint/sse-ticket.guard.js';
import {
  attachSlot,
  refuseAtLimit,
  refuseForNow,
  refuseWhileDraining,
  releaseOnceGone,
} from './endpoint/stream-opening.js';
import { StreamLog } from './endpoint/stream-log.js';
import { setHandlerRunner } from './endpoint/routes/wrap-handler.js';
import { drawRetry } from './protocol/input/retry-time.js';
import { SseError } from './protocol/sse-error.js';
import { SSE_INTERCEPTOR_METADATA } from './sse.constants.js';
import { SseService } from './sse.service.js';

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

  constructor(@Optional() private readonly sse?: SseService) {
    if (sse !== undefined) return;
    throw new SseError(
      'module-not-imported',
      'A route has @SseRoom(), but SseModule is not there. Import SseModule.forRoot().',
    );
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    if (context.getType() !== 'http') return next.handle();
    const exchange = context.switchToHttp();
    const http = new HttpExchange(exchange.getRequest(), exchange.getResponse());
    try {
      return await this.#stream(context, http, next);
    } catch (error) {
      this.#expectAnswer(http, error);
      throw error;
    }
  }

  async #stream(
    context: ExecutionContext,
    http: HttpExchange,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    const exchange = context.switchToHttp();
    const request = exchange.getRequest<object & { params?: unknown }>();
    const response = exchange.getResponse<object>();
    const { internals } = this.sse as Partial<SseService>;
    if (internals === undefined) {
      throw new SseError(
        'module-not-imported',
        'SseService is a mock, so no stream can be opened. Import SseModule.forRoot() and spy on its SseService instead.',
      );
    }
    const { hub, options, limits, tickets, drain, runs } = internals;
    if (isForbiddenOrigin(http, request, options.allowedOrigins))
      throw new ForbiddenException(CROSS_SITE_MESSAGE);
    const metadata = roomMetadataOf(context.getClass(), context.getHandler());
    const { run: runRoute, control = runRoute?.options.control ?? true } = metadata;
    const retryMs = metadata.retryMs ?? (control && options.retryMs);
    // The position of a run is in no session.
    const sessions = runRoute === undefined ? internals.sessions : undefined;

    if (drain.hasBegun) return respondWith((done) => refuseWhileDraining(http, retryMs, done));
    if (!http.claimConnection()) return respondWith((done) => http.answerReconnect(drawRetry(retryMs), done));
    const session = sessionKeyOf(http, sessions);
    http.watchSession();
    if (http.request.method === 'HEAD') {
      await requestRooms(metadata, request, context, internals, this.#log);
      return respondWith((done) => http.answerHead(done));
    }
    // Taken before rooms are awaited, so that simultaneous requests cannot pass together.
    const slot = limits.enter(request);
    if (typeof slot === 'string') return respondWith((done) => refuseAtLimit(http, limits, slot, done));
    const settled = releaseOnceGone(http, slot);
    let named: RequestRooms;
    try {
      const redeemed = await redeemTicket(tickets, http, request);
      named = await requestRooms(metadata, request, context, internals, this.#log);
      checkTicketRooms(redeemed, named.run === undefined ? named.rooms : [named.run]);
    } catch (error) {
      slot.release();
      if (!(error instanceof TicketsUnavailableException)) throw error;
      return respondWith((done) =>
        refuseForNow(http, { status: 503, message: error.message, retryMs: limits.retryAfterMs() }, done),
      );
    } finally {
      settled();
    }

    const client = hub.register({
      request,
      writer: http.createWriter(metadata.compress === true ? hub.connections.gzipPieces : undefined),
      lastEventId: http.lastEventId(),
      tracksPosition: metadata.sources.length > 0 || session !== undefined,
      held: true,
    });
    client.isPure = !control;
    attachSession(client, sessions, session);
    attachSlot(client, slot);
    setRequestClient(request, client);
    const { rooms, run } = named;
    const { readyEvent } = options;
    const mapped = hasInnerInterceptors(context) ? new Subject<unknown>() : undefined;
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
      ...(runRoute !== undefined &&
        run !== undefined && {
          openRun: (handler) =>
            openRun(
              { node: runs.node, run, metadata: runRoute, client, request, readyEvent, limits },
              handler,
            ),
        }),
      onFailure: (error) => this.#log.failed(context.getHandler().name, http.path, client, error),
    });
    for (const room of rooms) void client.join(room);
    setHandlerRunner(response, stream);
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

/** Returns `true` if interceptors run between this one and the handler: they are listed in the order in which they run. */
function hasInnerInterceptors(context: ExecutionContext): boolean {
  const interceptors = Reflect.getMetadata(INTERCEPTORS, context.getHandler()) as
    readonly unknown[] | undefined;
  return interceptors !== undefined && interceptors.at(-1) !== SseInterceptor;
}

/** Runs `answer` on subscription, and ends the request for Nest when it is done. */
function respondWith(answer: (done: () => void) => void): Observable<undefined> {
  return new Observable((subscriber) => {
    answer(() => {
      subscriber.next(undefined);
      subscriber.complete();
    });
  });
}
