import type { SseMetrics } from '../metrics/sse-metrics.interface.js';
import type { CallbackFailures } from './callback-failures.js';

/** The metrics of an application, none of whose failures reaches the caller: a client is closed whatever they do. */
export function guardedMetrics(metrics: SseMetrics, failures: CallbackFailures): SseMetrics {
  const run = (method: keyof SseMetrics, work: () => unknown): void =>
    failures.run(`metrics.${method}`, work);
  return {
    clientOpened: () => run('clientOpened', () => metrics.clientOpened()),
    clientClosed: (reason) => run('clientClosed', () => metrics.clientClosed(reason)),
    clientRefused: (reason) => run('clientRefused', () => metrics.clientRefused?.(reason)),
    limitReached: (limit) => run('limitReached', () => metrics.limitReached?.(limit)),
    eventDelivered: (clients) => run('eventDelivered', () => metrics.eventDelivered(clients)),
    volatileDropped: () => run('volatileDropped', () => metrics.volatileDropped()),
  };
}
