import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpExchange } from '../http-exchange.js';
import { SseRetryLaterException } from './retry-later.exception.js';
import { refuseAsThrown } from '../stream-opening.js';
import { EXCEPTION_FILTERS } from '../routes/nest-metadata.js';

/** Answers `SseRetryLaterException` on the routes of streams. */
@Catch(SseRetryLaterException)
class RetryLaterFilter implements ExceptionFilter<SseRetryLaterException> {
  readonly #retryAfterMs: number;

  constructor(retryAfterMs: number) {
    this.#retryAfterMs = retryAfterMs;
  }

  catch(exception: SseRetryLaterException, host: ArgumentsHost): void {
    const exchange = host.switchToHttp();
    const http = new HttpExchange(exchange.getRequest(), exchange.getResponse());
    refuseAsThrown(http, exception, this.#retryAfterMs, () => {});
  }
}

/**
 * Installs the filter on the handler of a stream, before Nest registers its route. Nest asks the filters of a method before those
 * of its controller and of the application, and the last one of the method first: a filter for all exceptions would answer
 * with a status, after which an `EventSource` never comes back.
 *
 * @param retryAfterMs milliseconds, for exceptions without a time of their own
 */
export function answerRetryLater(handler: object, retryAfterMs: number): void {
  const present = (Reflect.getMetadata(EXCEPTION_FILTERS, handler) ?? []) as readonly unknown[];
  // Applications of one process may share a controller, and differ in their options.
  const others = present.filter((filter) => !(filter instanceof RetryLaterFilter));
  Reflect.defineMetadata(EXCEPTION_FILTERS, [...others, new RetryLaterFilter(retryAfterMs)], handler);
}
