import type { SseMetrics, SseModuleOptions } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { CUT_ROOM } from './app.events.js';

/** Options of all processes. They must agree on the history of rooms. */
export function sseOptions(redisUrl: string, metrics?: SseMetrics): SseModuleOptions {
  return {
    broker: redisBroker({ url: redisUrl, requireBroker: true }),
    heartbeatIntervalMs: 15_000,
    // Short, for a quick reconnect in the sample. Real applications spread it: `client.setRetry`.
    retryMs: 1_000,
    // A command to close applies to current connections only.
    rooms: { [CUT_ROOM]: { volatile: true } },
    ...(metrics && { metrics }),
  };
}
