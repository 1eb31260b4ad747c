import type { NodeMetrics } from '../metrics/node-metrics.interface.js';
import { NoopMetrics } from '../metrics/noop-metrics.js';
import type { NodeTotals } from '../metrics/node-totals.js';
import type { SseMetrics } from '../metrics/sse-metrics.interface.js';
import { StreamLabelCache } from '../metrics/stream-label-cache.js';
import type { CallbackFailures } from './callback-failures.js';

/** Methods of the metrics of an application: those that it must have, and those that it may leave out. */
const METHODS: Readonly<Record<keyof SseMetrics, 'required' | 'optional'>> = {
  clientOpened: 'required',
  clientClosed: 'required',
  clientRefused: 'optional',
  limitReached: 'optional',
  eventPublished: 'optional',
  eventDelivered: 'required',
  eventSent: 'optional',
  eventsReplayed: 'optional',
  eventWritten: 'optional',
  volatileDropped: 'required',
  clientResumed: 'optional',
  gapSent: 'optional',
  brokerStateChanged: 'optional',
  brokerReconnected: 'optional',
  brokerCalled: 'optional',
  callbackFailed: 'optional',
  started: 'optional',
};

const NAMES = Object.keys(METHODS) as (keyof SseMetrics)[];

export const REQUIRED_METRICS = NAMES.filter((name) => METHODS[name] === 'required');
export const OPTIONAL_METRICS = NAMES.filter((name) => METHODS[name] === 'optional');

type Method = (...args: unknown[]) => unknown;

/**
 * Combines the metrics of an application, none of whose failures reaches the caller: a client is closed whatever they do.
 * `callbackFailed` is called by `CallbackFailures` instead.
 *
 * @param totals sums of this node, beside the metrics of the application
 */
export function nodeMetrics(
  own: readonly SseMetrics[],
  failures: CallbackFailures,
  totals?: NodeTotals,
): NodeMetrics {
  const all: readonly SseMetrics[] = totals === undefined ? own : [...own, totals];
  if (all.length === 0) return new NoopMetrics();
  const combined: Partial<Record<keyof SseMetrics, Method>> = {};
  for (const name of NAMES) {
    const having = all.filter((metrics) => name !== 'callbackFailed' && metrics[name] !== undefined);
    if (having.length === 0) continue;
    const callback = `metrics.${name}`;
    combined[name] = (...args) => {
      // Read for each call, since the application may replace a method.
      for (const metrics of having)
        failures.run(callback, () => (metrics as unknown as Record<string, Method>)[name]?.(...args));
    };
  }
  const labels = new StreamLabelCache();
  return { ...(combined as unknown as SseMetrics), labelsOf: labels.of, totals };
}
