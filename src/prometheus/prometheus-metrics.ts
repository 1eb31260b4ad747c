import { Counter, Gauge, register, type Registry } from 'prom-client';
import { INSTRUMENTS, type Instrument, type InstrumentName, type Labels } from '../metrics/instruments.js';
import type { SseMetrics } from '../metrics/sse-metrics.interface.js';
import { TotalledMetrics } from '../metrics/totalled-metrics.js';
import { SseError } from '../protocol/sse-error.js';
import { BucketedHistogram } from './bucketed-histogram.js';

/** A `Registry` of prom-client. The type is structural, so that the types of a package that is not installed are not needed. */
export interface PrometheusRegistry {
  /** Returns the metric of this name. */
  getSingleMetric(name: string): unknown;
  /** Adds a metric. */
  registerMetric(metric: never): void;
}

/** Options of `prometheusMetrics`. */
export interface PrometheusMetricsOptions {
  /** The registry of prom-client that receives the metrics. Default: the default registry, `register`. */
  readonly registry?: PrometheusRegistry;
  /** The beginning of each name: letters, digits and `_`. Default: `sse_`. */
  readonly prefix?: string;
}

const PREFIX = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The metrics of a registry by their prefix, with the first metric that they have registered. */
const registered = new WeakMap<PrometheusRegistry, Map<string, { metrics: SseMetrics; first: unknown }>>();

/**
 * Metrics for Prometheus, in a registry of prom-client: for the option `metrics`. docs/17-observability.md lists them. A
 * second call with the same registry and prefix returns the same metrics, while they are registered.
 *
 * ```ts
 * SseModule.forRoot({ metrics: prometheusMetrics() })
 * ```
 *
 * @throws SseError `invalid-options` for a registry or a prefix that is none
 * @throws Error of prom-client, where another metric of the registry has one of the names
 */
export function prometheusMetrics({
  registry = register,
  prefix = 'sse_',
}: PrometheusMetricsOptions = {}): SseMetrics {
  if (!isRegistry(registry)) throw invalid('registry', 'a Registry of prom-client');
  if (typeof prefix !== 'string' || !PREFIX.test(prefix))
    throw invalid('prefix', 'a text of letters, digits and "_" that does not begin with a digit');
  const known = registered.get(registry)?.get(prefix);
  const firstName = prefix + INSTRUMENTS.streamsOpen.prometheus;
  if (known !== undefined && registry.getSingleMetric(firstName) === known.first) return known.metrics;
  const metrics = createMetrics(registry as Registry, prefix);
  const ofRegistry = registered.get(registry) ?? new Map<string, { metrics: SseMetrics; first: unknown }>();
  ofRegistry.set(prefix, { metrics, first: registry.getSingleMetric(firstName) });
  registered.set(registry, ofRegistry);
  return metrics;
}

function createMetrics(registry: Registry, prefix: string): SseMetrics {
  const histograms = new Map<InstrumentName, BucketedHistogram>();
  const metrics = new TotalledMetrics((name, value, labels) => histograms.get(name)?.observe(value, labels));
  for (const [name, instrument] of Object.entries(INSTRUMENTS) as [InstrumentName, Instrument][]) {
    const { kind, prometheus, help, labels, buckets } = instrument;
    const configuration = { name: prefix + prometheus, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'histogram') {
      const histogram = new BucketedHistogram(prefix + prometheus, help, labels, buckets);
      registry.registerMetric(histogram as never);
      histograms.set(name, histogram);
      continue;
    }
    const collect = (metric: { reset(): void; inc(labels: Labels, value: number): void }): void => {
      metric.reset();
      for (const { labels: of, value } of metrics.read(name)) metric.inc(of, value);
    };
    const Kind = kind === 'counter' ? Counter : Gauge;
    const metric: Counter | Gauge = new Kind({ ...configuration, collect: () => collect(metric) });
  }
  return metrics;
}

function isRegistry(value: unknown): boolean {
  const { getSingleMetric, registerMetric } = (value ?? {}) as Partial<PrometheusRegistry>;
  return typeof getSingleMetric === 'function' && typeof registerMetric === 'function';
}

function invalid(name: string, expected: string): SseError {
  return new SseError('invalid-options', `The option "${name}" of prometheusMetrics is ${expected}.`);
}
