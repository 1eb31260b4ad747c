import type { NodeMetrics } from '../metrics/node-metrics.interface.js';
import { NoopMetrics } from '../metrics/noop-metrics.js';
import type { NodeTotals } from '../metrics/node-totals.js';
import type { SseMetrics } from '../metrics/sse-metrics.interface.js';
import { StreamLabelCache } from '../metrics/stream-label-cache.js';
import { isThenable } from '../protocol/thenable.js';
import type { CallbackFailures } from './callback-failures.js';

/** Methods of the metrics of an application: those that it must have, and those that it may leave out. */
const METHODS: Readonly<Record<keyof SseMetrics, 'required' | 'optional'>> = {
  clientOpened: 'required',
  clientClosed: 'required',
  clientRefused: 'optional',
  limitReached: 'optional',
  limitUnchecked: 'optional',
  eventPublished: 'optional',
  eventDelivered: 'required',
  eventSent: 'optional',
  eventsReplayed: 'optional',
  eventWritten: 'optional',
  volatileDropped: 'required',
  clientResumed: 'optional',
  gapSent: 'optional',
  runStarted: 'optional',
  runEnded: 'optional',
  brokerStateChanged: 'optional',
  brokerReconnected: 'optional',
  brokerCalled: 'optional',
  callbackFailed: 'optional',
  started: 'optional',
};

const NAMES = Object.keys(METHODS) as (keyof SseMetrics)[];

export const REQUIRED_METRICS = NAMES.filter((name) => METHODS[name] === 'required');
export const OPTIONAL_METRICS = NAMES.filter((name) => METHODS[name] === 'optional');

/** None has more than three parameters. */
type Method = (first: unknown, second: unknown, third: unknown) => unknown;

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
    combined[name] = callOf(name, having, failures);
  }
  const labels = new StreamLabelCache();
  return { ...(combined as unknown as SseMetrics), labelsOf: labels.of, totals };
}

/** Calls one method of all metrics. As `CallbackFailures.run`, without the objects that it would make for each event. */
function callOf(name: keyof SseMetrics, having: readonly SseMetrics[], failures: CallbackFailures): Method {
  const report = (error: unknown): void => failures.report(`metrics.${name}`, error);
  const calls = having.map((metrics) =>
    oneCallOf(name, metrics as unknown as Record<string, Method>, report),
  );
  const [only] = calls;
  if (calls.length === 1 && only !== undefined) return only;
  return (first, second, third) => {
    for (const call of calls) call(first, second, third);
  };
}

function oneCallOf(name: string, metrics: Record<string, Method>, report: (error: unknown) => void): Method {
  return (first, second, third) => {
    try {
      // Read for each call, since the application may replace a method.
      const result = metrics[name]?.(first, second, third);
      if (isThenable(result)) result.then(undefined, report);
    } catch (error) {
      report(error);
    }
  };
}
