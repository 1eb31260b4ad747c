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
    // The name that a page has given itself. A real application takes the user from a login.
    identify: ({ request }) => {
      const { visitor } = (request as { query: Record<string, unknown> }).query;
      return typeof visitor === 'string' ? { user: visitor } : undefined;
    },
    rooms: {
      // A command to close applies to current connections only.
      [CUT_ROOM]: { volatile: true },
      'match/*': { presence: true, presenceEvents: true },
    },
    ...(metrics && { metrics }),
  };
}
