import { Injectable } from '@nestjs/common';
import type { SseHealth } from '../drain/sse-health.js';
import { checkCallOptions, trueOrFalse } from '../protocol/input/option-checks.js';
import { SseService } from '../sse.service.js';

/** Options of `SseHealthIndicator.isReady()`. */
export interface SseReadinessOptions {
  /**
   * `true`: a node whose broker is not `live` is not ready. Use it only where other nodes still reach the broker: if all nodes
   * lose it at once, a balancer without a ready node answers with 503, which closes each `EventSource` for good. Default: `false`.
   */
  readonly requireBroker?: boolean;
  /**
   * `false`: a node at `limits.maxStreams` stays ready, and answers new streams with a `retry:`. Use it where all nodes may be
   * full at once. Default: `true`, so that a balancer prefers nodes with room.
   */
  readonly downWhenFull?: boolean;
}

/** One entry of a health check of `@nestjs/terminus`, by its key. */
export type SseHealthResult<Key extends string> = Record<
  Key,
  { readonly status: 'up' | 'down' } & Pick<SseHealth, 'state' | 'streams' | 'broker'>
>;

const READINESS_CHECKS = { requireBroker: trueOrFalse, downWhenFull: trueOrFalse };

/**
 * Health of the streams of this node, for `@nestjs/terminus` 11 and 12. Provide it where `TerminusModule` is imported.
 *
 * ```ts
 * @Get('ready')
 * @HealthCheck()
 * ready() {
 *   return this.health.check([() => this.sse.isReady('sse')]);
 * }
 * ```
 */
@Injectable()
export class SseHealthIndicator {
  constructor(private readonly sse: SseService) {}

  /**
   * Liveness: up as long as the process answers. A restart would end the streams, and would help neither against an
   * unreachable Redis nor against too many clients, so neither of them is a reason.
   *
   * Return it from a route without `HealthCheckService`, which answers each check with 503 while the application shuts down:
   *
   * ```ts
   * @Get('live')
   * live() {
   *   return this.sse.isAlive('sse');
   * }
   * ```
   *
   * @param key name of the entry in the result
   */
  isAlive<const Key extends string>(key: Key): SseHealthResult<Key> {
    return this.#result(key, 'up', this.sse.health());
  }

  /**
   * Readiness: down while the node drains, and at `limits.maxStreams`. An unreachable Redis is shown, and is by default no
   * reason to be down: open streams wait for it, and new ones open.
   *
   * @param key name of the entry in the result
   * @throws SseError `invalid-arguments`
   */
  isReady<const Key extends string>(key: Key, options: SseReadinessOptions = {}): SseHealthResult<Key> {
    checkCallOptions('isReady', options, READINESS_CHECKS);
    const { requireBroker = false, downWhenFull = true } = options;
    const health = this.sse.health();
    const isDown =
      health.state === 'draining' ||
      (health.state === 'full' && downWhenFull) ||
      (health.broker !== 'live' && requireBroker);
    return this.#result(key, isDown ? 'down' : 'up', health);
  }

  #result<Key extends string>(
    key: Key,
    status: 'up' | 'down',
    { state, streams, broker }: SseHealth,
  ): SseHealthResult<Key> {
    return { [key]: { status, state, streams, broker } } as SseHealthResult<Key>;
  }
}
