import type { SseMetrics } from './sse-metrics.interface.js';

/** Counts nothing. The default of the option `metrics`. */
export class NoopMetrics implements SseMetrics {
  clientOpened(): void {}
  clientClosed(): void {}
  clientRefused(): void {}
  eventDelivered(): void {}
  volatileDropped(): void {}
}
