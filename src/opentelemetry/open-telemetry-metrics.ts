import { metrics, type Attributes, type Histogram, type Meter } from '@opentelemetry/api';
import {
  INSTRUMENTS,
  type Instrument,
  type InstrumentName,
  type LabelName,
  type Labels,
} from '../metrics/instruments.js';
import type { SseMetrics } from '../metrics/sse-metrics.interface.js';
import { TotalledMetrics } from '../metrics/totalled-metrics.js';

const SCOPE = 'nestjs-simple-sse';

/** Names of attributes. Those of the semantic conventions have no prefix of this module. */
const ATTRIBUTES: Readonly<Record<LabelName, string>> = {
  endpoint: 'http.route',
  transport: 'network.protocol.version',
  reason: 'sse.reason',
  limit: 'sse.limit',
  outcome: 'sse.outcome',
  source: 'sse.source',
  call: 'sse.call',
  state: 'sse.state',
  callback: 'sse.callback',
};

const PROTOCOL_VERSIONS: Readonly<Record<string, string>> = { 'http/1.1': '1.1', h2: '2' };

/**
 * Metrics for OpenTelemetry, in the global meter provider: for the option `metrics`. docs/17-observability.md lists them. Call it
 * once: each result counts on its own. The provider may be registered later, until the application starts.
 *
 * ```ts
 * SseModule.forRoot({ metrics: openTelemetryMetrics(), tracing: openTelemetryTracing() })
 * ```
 */
export function openTelemetryMetrics(): SseMetrics {
  let histograms: Map<InstrumentName, Histogram> | undefined;
  const totals: TotalledMetrics = new TotalledMetrics(
    (name, value, labels) => histograms?.get(name)?.record(value, labels && keptAttributesOf(labels)),
    () => (histograms ??= createInstruments(metrics.getMeter(SCOPE), totals)),
  );
  return totals;
}

function createInstruments(meter: Meter, totals: TotalledMetrics): Map<InstrumentName, Histogram> {
  const histograms = new Map<InstrumentName, Histogram>();
  for (const [name, instrument] of Object.entries(INSTRUMENTS) as [InstrumentName, Instrument][]) {
    const { kind, openTelemetry, unit, help, buckets } = instrument;
    const options = { unit, description: help };
    if (kind === 'histogram') {
      const advice = { explicitBucketBoundaries: [...buckets] };
      histograms.set(name, meter.createHistogram(openTelemetry, { ...options, advice }));
      continue;
    }
    const observed =
      kind === 'counter'
        ? meter.createObservableCounter(openTelemetry, options)
        : meter.createObservableGauge(openTelemetry, options);
    observed.addCallback((result) => {
      for (const { labels, value } of totals.read(name)) result.observe(value, attributesOf(labels));
    });
  }
  return histograms;
}

/** Attributes of labels that are recorded again and again. */
const kept = new WeakMap<Labels, Attributes>();

function keptAttributesOf(labels: Labels): Attributes {
  let attributes = kept.get(labels);
  if (attributes === undefined) kept.set(labels, (attributes = attributesOf(labels)));
  return attributes;
}

function attributesOf(labels: Labels): Attributes {
  return Object.fromEntries(
    Object.entries(labels).map(([label, value]) => [
      ATTRIBUTES[label as LabelName],
      label === 'transport' ? PROTOCOL_VERSIONS[value] : value,
    ]),
  );
}
