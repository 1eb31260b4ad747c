import { HttpException } from '@nestjs/common';
import { checkCallOptions, MAX_TIMER_MS, wholeNumber } from '../../protocol/input/option-checks.js';

/** Options of `SseRetryLaterException`. */
export interface RetryLaterOptions {
  /**
   * Milliseconds after which the client should come back, 0 or more. Each is sent between it and one and a half times of it, so
   * that clients which are refused together do not come back together. Default: `limits.retryAfterMs` of the module, 10,000.
   */
  readonly retryAfterMs?: number;
  /** The status for clients that ask for one, 429 or 503. Default: 503. */
  readonly status?: 429 | 503;
  /** The error behind the refusal, for logs. It is not sent. Default: none. */
  readonly cause?: unknown;
}

const CHECKS = {
  retryAfterMs: wholeNumber(0, MAX_TIMER_MS),
  status: (value: unknown) => (value === 429 || value === 503 ? undefined : '429 or 503'),
  cause: () => undefined,
};

/**
 * Refuses the request of a stream for some time, from a guard, a room function or a handler: a native `EventSource` is answered
 * with 200, `retry:` and the end, since it never reconnects after another status (HTML standard, 9.2.3). A client whose `Accept`
 * does not begin with `text/event-stream`, or that sends `Sse-Refusal: status`, is answered with the status and `Retry-After`.
 *
 * No exception filter of the application receives it on the route of a stream. On another route it is an `HttpException` like any.
 *
 * ```ts
 * canActivate(): boolean {
 *   if (this.maintenance.isOver()) return true;
 *   throw new SseRetryLaterException('Down for maintenance', { retryAfterMs: 60_000 });
 * }
 * ```
 */
export class SseRetryLaterException extends HttpException {
  readonly retryAfterMs: number | undefined;

  /**
   * @param message text of the JSON body that goes with the status
   * @throws SseError `invalid-arguments`
   */
  constructor(message = 'Try again later', options: RetryLaterOptions = {}) {
    checkCallOptions('SseRetryLaterException', options, CHECKS);
    const { retryAfterMs, status = 503, cause } = options;
    super(message, status, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}
