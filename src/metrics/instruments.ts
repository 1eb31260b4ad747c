/** Names of labels. Each has few values. */
export type LabelName =
  'endpoint' | 'transport' | 'reason' | 'limit' | 'outcome' | 'source' | 'call' | 'state' | 'callback';

export type Labels = Readonly<Partial<Record<LabelName, string>>>;

/** One instrument of the adapters, with its name in each ecosystem. */
export interface Instrument {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** Without the prefix. */
  readonly prometheus: string;
  readonly openTelemetry: string;
  /** In the notation of UCUM, as OpenTelemetry has it. */
  readonly unit: string;
  readonly help: string;
  readonly labels: readonly LabelName[];
  /** Upper bounds of a histogram. */
  readonly buckets: readonly number[];
}

const STREAM = ['endpoint', 'transport'] as const;
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const CLIENTS = [0, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000];

/** The instruments of the adapters. docs/17-observability.md lists them; tests compare both. */
export const INSTRUMENTS = {
  streamsOpen: gauge('streams_open', 'sse.streams.open', '{stream}', 'Streams that are open', STREAM),
  streamsOpened: counter('streams_opened_total', 'sse.streams.opened', '{stream}', 'Streams opened', STREAM),
  streamsClosed: counter(
    'streams_closed_total',
    'sse.streams.closed',
    '{stream}',
    'Streams ended, by close reason',
    [...STREAM, 'reason'],
  ),
  streamsRefused: counter(
    'streams_refused_total',
    'sse.streams.refused',
    '{stream}',
    'Clients that ended before their stream opened, by close reason',
    [...STREAM, 'reason'],
  ),
  limitsReached: counter(
    'limits_reached_total',
    'sse.limits.reached',
    '{stream}',
    'Requests that met a limit',
    [...STREAM, 'limit'],
  ),
  limitsUnchecked: counter(
    'limits_unchecked_total',
    'sse.limits.unchecked',
    '{stream}',
    'Streams that opened without a limit over all nodes, since the broker did not answer',
    [...STREAM, 'limit'],
  ),
  publishes: counter('publishes_total', 'sse.publishes', '{event}', 'Events published by this node', [
    'outcome',
  ]),
  deliveries: counter('deliveries_total', 'sse.deliveries', '{event}', 'Events delivered, times clients', []),
  deliveredBytes: counter('delivered_bytes_total', 'sse.delivered.io', 'By', 'Bytes of delivered events', []),
  fanOut: histogram(
    'fan_out_clients',
    'sse.fan_out',
    '{client}',
    'Clients of this node for one event',
    [],
    CLIENTS,
  ),
  sends: counter('sends_total', 'sse.sends', '{event}', 'Events sent to one client', []),
  sentBytes: counter('sent_bytes_total', 'sse.sent.io', 'By', 'Bytes of events sent to one client', []),
  replays: counter('replayed_events_total', 'sse.replays', '{event}', 'Missed events sent to clients', []),
  writeLatency: histogram(
    'publish_to_write_seconds',
    'sse.publish_to_write.duration',
    's',
    'From the publish of an event to its last write, for at most 100 events a second',
    [],
    SECONDS,
  ),
  brokerLag: histogram(
    'broker_lag_seconds',
    'sse.broker.lag.duration',
    's',
    'From the publish of an event to its arrival at this node, for at most 100 events a second',
    [],
    SECONDS,
  ),
  volatileDropped: counter(
    'volatile_dropped_total',
    'sse.volatile.dropped',
    '{event}',
    'Volatile events dropped for slow clients',
    [],
  ),
  resumes: counter('resumes_total', 'sse.resumes', '{client}', 'Clients that came back with a position', [
    'outcome',
    'source',
  ]),
  gaps: counter('gaps_total', 'sse.gaps', '{client}', 'Gaps announced to clients', ['reason']),
  slowClients: gauge('slow_clients', 'sse.slow_clients', '{client}', 'Clients whose sockets are full', []),
  queuedBytes: gauge('queued_bytes', 'sse.queued.io', 'By', 'Bytes that wait for slow clients', []),
  rooms: gauge('rooms', 'sse.rooms', '{room}', 'Rooms with a client or a subscriber', []),
  runsStarted: counter('runs_started_total', 'sse.runs.started', '{run}', 'Runs started by this node', []),
  runsEnded: counter('runs_ended_total', 'sse.runs.ended', '{run}', 'Runs of this node that ended', [
    'state',
    'reason',
  ]),
  runs: gauge('runs', 'sse.runs.running', '{run}', 'Runs that this node produces', []),
  runFollowers: gauge('run_followers', 'sse.runs.followers', '{client}', 'Streams that follow a run', []),
  brokerState: gauge('broker_state', 'sse.broker.state', '1', '1 for the state of the broker', ['state']),
  brokerReconnects: counter(
    'broker_reconnects_total',
    'sse.broker.reconnects',
    '{reconnect}',
    'Returns of the broker after an interruption',
    [],
  ),
  brokerCalls: histogram(
    'broker_call_duration_seconds',
    'sse.broker.call.duration',
    's',
    'Calls to the broker',
    ['call', 'outcome'],
    SECONDS,
  ),
  callbackFailures: counter(
    'callback_failures_total',
    'sse.callback.failures',
    '{failure}',
    'Failures of callbacks of the application',
    ['callback'],
  ),
} satisfies Record<string, Instrument>;

export type InstrumentName = keyof typeof INSTRUMENTS;

function counter(...args: NamedInstrument): Instrument {
  return instrument('counter', args, []);
}

function gauge(...args: NamedInstrument): Instrument {
  return instrument('gauge', args, []);
}

function histogram(
  ...[prometheus, openTelemetry, unit, help, labels, buckets]: [...NamedInstrument, readonly number[]]
): Instrument {
  return instrument('histogram', [prometheus, openTelemetry, unit, help, labels], buckets);
}

type NamedInstrument = [
  prometheus: string,
  openTelemetry: string,
  unit: string,
  help: string,
  labels: readonly LabelName[],
];

function instrument(
  kind: Instrument['kind'],
  [prometheus, openTelemetry, unit, help, labels]: NamedInstrument,
  buckets: readonly number[],
): Instrument {
  return { kind, prometheus, openTelemetry, unit, help, labels, buckets };
}
