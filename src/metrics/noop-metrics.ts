import type { SseMetrics } from './sse-metrics.interface.js';

/** Counts nothing: what runs until the application gives its own `metrics`. */
export class NoopMetrics implements SseMetrics {
  clientOpened(): void {}
  clientClosed(): void {}
  eventDelivered(): void {}
  volatileDropped(): void {}
}
