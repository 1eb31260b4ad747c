import type { SseMetrics, SseModuleOptions } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { CUT_ROOM } from './app.events.js';

/** All processes must agree on how rooms are remembered, so they share their options. */
export function sseOptions(redisUrl: string, metrics?: SseMetrics): SseModuleOptions {
  return {
    broker: redisBroker({ url: redisUrl, requireBroker: true }),
    heartbeatIntervalMs: 15_000,
    // Short, so that a page which lost its node is soon back. Real applications spread it: `client.setRetry`.
    retryMs: 1_000,
    // An order to cut is for the connections of now.
    rooms: { [CUT_ROOM]: { volatile: true } },
    ...(metrics && { metrics }),
  };
}
