import type { NodeMetrics } from './node-metrics.interface.js';
import { OTHER_STREAM } from './stream-label-cache.js';

/** Counts nothing: the metrics of a node without the option `metrics`. */
export class NoopMetrics implements NodeMetrics {
  clientOpened(): void {}
  clientClosed(): void {}
  eventDelivered(): void {}
  volatileDropped(): void {}

  labelsOf(): typeof OTHER_STREAM {
    return OTHER_STREAM;
  }
}
