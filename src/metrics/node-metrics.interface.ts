import type { NodeTotals } from './node-totals.js';
import type { SseMetrics, StreamLabels } from './sse-metrics.interface.js';

/** The metrics of one node, as its parts call them. A method that no metrics of the application have is `undefined`. */
export interface NodeMetrics extends SseMetrics {
  /** The labels of a stream by its request. */
  labelsOf(request: unknown): StreamLabels;
  /** Sums since the start of the node, where a module reads them. */
  readonly totals?: NodeTotals | undefined;
}
