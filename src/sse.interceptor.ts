import {
  BadRequestException,
  Injectable,
  Logger,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Observable, Subject } from 'rxjs';
import { INTERCEPTORS } from './endpoint/nest-metadata.js';
import { HttpExchange } from './endpoint/http-exchange.js';
import { setRequestClient } from './endpoint/request-client.js';
import { roomsOfRequest, type RoomSource } from './endpoint/room-names.js';
import { HandlerStream } from './endpoint/handler-stream.js';
import { setHandlerRunner } from './endpoint/wrap-handler.js';
import { SseError, stackOf } from './protocol/sse-error.js';
import { SSE_ROOM_METADATA } from './sse.constants.js';
import type { SseRoomMetadata } from './sse-room.decorator.js';
import { SseService } from './sse.service.js';

/**
 * Makes a request a client of its rooms. `@SseRoom` installs it, together with what hands it the handler's result: to
 * compose decorators by hand, build on `@SseRoom`.
 *
 * Towards Nest the request is over when the stream opens: whatever stands around this interceptor (logging, timeout,
 * cache) sees it end with no value, and holds on to nothing. An interceptor written above `@SseRoom` stands between it
 * and the handler, and may map the values of an Observable one by one.
 */
@Injectable()
export class SseInterceptor implements NestInterceptor {
  readonly #logger = new Logger(SseInterceptor.name);

  constructor(private readonly sse: SseService) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    if (context.getType() !== 'http') return next.handle();
    const request = context.switchToHttp().getRequest<object & { params?: unknown }>();
    const response = context.switchToHttp().getResponse<object>();
    const http = new HttpExchange(request, response);
    const { hub, options } = this.sse.internals;
    const metadata = metadataOf(context);
    const retryMs = metadata.retryMs ?? options.retryMs;

    if (hub.isClosing) return answered(() => http.sendAway(retryMs));
    const rooms = await this.#rooms(metadata.sources, request);
    if (http.request.method === 'HEAD') return answered(() => http.answerHead());

    const client = hub.register({
      request,
      writer: http.writer(),
      lastEventId: http.lastEventId(),
      tracksPosition: metadata.sources.length > 0,
      held: true,
    });
    setRequestClient(request, client);
    const mapped = hasInnerInterceptors(context) ? new Subject<unknown>() : undefined;
    const opening = new HandlerStream({
      mapped,
      hub,
      http,
      client,
      serialize: options.serialize,
      retryMs,
      openOnFirstEvent: metadata.openOnFirstEvent ?? false,
      endOnComplete: metadata.endOnComplete,
      onFailure: (error) => this.#logger.error(`The stream of ${http.request.url} failed.`, stackOf(error)),
    });
    for (const room of rooms) void client.join(room);
    setHandlerRunner(response, opening);
    return this.#run(opening, next, mapped);
  }

  #run(opening: HandlerStream, next: CallHandler, mapped: Subject<unknown> | undefined): Observable<unknown> {
    return new Observable((subscriber) => {
      const handler = next.handle().subscribe({
        next: (value) => mapped?.next(value),
        error: (error) => {
          opening.refuse(error);
          mapped?.error(error);
        },
        complete: () => {
          // Where an interceptor answered in the handler's place, there is no source.
          opening.begin(undefined);
          mapped?.complete();
        },
      });
      opening.opened.then(
        () => {
          // One value: Nest reports a request that ends without any as an error.
          subscriber.next(undefined);
          subscriber.complete();
        },
        (error: unknown) => subscriber.error(error),
      );
      return () => {
        if (mapped?.observed) opening.onceClosed(() => handler.unsubscribe());
        else handler.unsubscribe();
        opening.refuse();
      };
    });
  }

  async #rooms(sources: readonly RoomSource<never>[], request: { params?: unknown }): Promise<string[]> {
    try {
      return await roomsOfRequest(sources, request);
    } catch (error) {
      if (error instanceof SseError) throw new BadRequestException(error.message, { cause: error });
      throw error;
    }
  }
}

/** Interceptors stand in the order in which they run: what follows this one runs between it and the handler. */
function hasInnerInterceptors(context: ExecutionContext): boolean {
  const interceptors = Reflect.getMetadata(INTERCEPTORS, context.getHandler()) as
    readonly unknown[] | undefined;
  return interceptors !== undefined && interceptors.at(-1) !== SseInterceptor;
}

function metadataOf(context: ExecutionContext): SseRoomMetadata {
  const onClass = Reflect.getMetadata(SSE_ROOM_METADATA, context.getClass()) as SseRoomMetadata | undefined;
  const onMethod = Reflect.getMetadata(SSE_ROOM_METADATA, context.getHandler()) as
    SseRoomMetadata | undefined;
  return { ...onClass, ...onMethod, sources: [...(onClass?.sources ?? []), ...(onMethod?.sources ?? [])] };
}

function answered(answer: () => void): Observable<undefined> {
  return new Observable((subscriber) => {
    answer();
    subscriber.next(undefined);
    subscriber.complete();
  });
}
