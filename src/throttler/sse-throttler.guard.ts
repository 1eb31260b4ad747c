import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';
import { SseRetryLaterException } from '../endpoint/limits/retry-later.exception.js';
import { MAX_TIMER_MS } from '../protocol/input/option-checks.js';
import { SSE_ROOM_METADATA } from '../sse.constants.js';

/**
 * `ThrottlerGuard` of `@nestjs/throttler` 6 for applications with streams. Use it in the place of that guard, or extend it.
 *
 * On the route of a stream (`@SseRoom`, `@SseRun`, `@SseRunTail`) a request over the limit is answered with 200, a `retry:` of
 * the time until it is unblocked, up to one and a half times of it, and the end: 429 would close a native `EventSource` for good
 * (HTML standard, 9.2.3). A client that asks for a status, as at the limits of the module (`SseLimitOptions`), is answered with
 * 429 and `Retry-After`. Other routes are as with `ThrottlerGuard`.
 *
 * ```ts
 * @Module({
 *   imports: [SseModule.forRoot(), ThrottlerModule.forRoot([{ ttl: 60_000, limit: 100 }])],
 *   providers: [{ provide: APP_GUARD, useClass: SseThrottlerGuard }],
 * })
 * class AppModule {}
 * ```
 */
@Injectable()
export class SseThrottlerGuard extends ThrottlerGuard {
  /** @throws SseRetryLaterException on the route of a stream, else what `ThrottlerGuard` throws */
  protected override async throwThrottlingException(
    context: ExecutionContext,
    detail: ThrottlerLimitDetail,
  ): Promise<void> {
    if (!Reflect.hasMetadata(SSE_ROOM_METADATA, context.getHandler()))
      return super.throwThrottlingException(context, detail);
    const message = await this.getErrorMessage(context, detail);
    throw new SseRetryLaterException(message, { status: 429, retryAfterMs: blockedForMs(detail) });
  }
}

/** Milliseconds until requests are admitted again. A storage of the application may know no seconds of the block. */
function blockedForMs({ timeToBlockExpire, ttl }: ThrottlerLimitDetail): number {
  const blockedMs = timeToBlockExpire > 0 ? timeToBlockExpire * 1_000 : ttl;
  return Math.min(MAX_TIMER_MS, Math.max(0, Math.ceil(blockedMs)));
}
