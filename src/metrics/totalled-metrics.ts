import type { InstrumentName, Labels } from './instruments.js';
import type { SseGauges, SseMetrics } from './sse-metrics.interface.js';
import { Totals, type Total } from './totals.js';

/** One object for each kind of call, so that an adapter may keep what it makes of it. */
const BROKER_CALLS = {
  publish: {
    ok: { call: 'publish', outcome: 'ok' },
    failed: { call: 'publish', outcome: 'failed' },
  },
  read: { ok: { call: 'read', outcome: 'ok' }, failed: { call: 'read', outcome: 'failed' } },
} as const;

const STATES = ['live', 'syncing', 'down'] as const;

/** Records one value of a histogram. */
export type RecordValue = (
  name: 'fanOut' | 'writeLatency' | 'brokerLag' | 'brokerCalls',
  value: number,
  labels?: Labels,
) => void;

/**
 * The metrics of an adapter. Counters and gauges are sums that the adapter reads when it is asked for them, so that counting
 * an event costs an addition. Histograms go to the library at once.
 */
export class TotalledMetrics implements Required<SseMetrics> {
  readonly #totals = new Map<InstrumentName, Totals>();
  readonly #record: RecordValue;
  readonly #onStart: () => unknown;
  readonly #nodes = new Set<() => SseGauges | undefined>();
  readonly #publishes = { accepted: 0, failed: 0 };
  #deliveries = 0;
  #deliveredBytes = 0;
  #state: (typeof STATES)[number] = 'down';

  /** @param onStart called when a node starts */
  constructor(record: RecordValue, onStart: () => unknown = () => {}) {
    this.#record = record;
    this.#onStart = onStart;
  }

  /** The current values of a counter or a gauge. One without labels always has a value. */
  read(name: InstrumentName): Iterable<Total> {
    const value = this.#valueOf(name);
    if (value !== undefined) return [{ labels: {}, value }];
    if (name === 'publishes') return this.#publishTotals();
    if (name === 'brokerState')
      return STATES.map((state) => ({ labels: { state }, value: state === this.#state ? 1 : 0 }));
    return this.#totals.get(name)?.all() ?? [];
  }

  readonly clientOpened: SseMetrics['clientOpened'] = ({ endpoint, transport }) => {
    this.#add('streamsOpened', 1, { endpoint, transport });
    this.#add('streamsOpen', 1, { endpoint, transport });
  };
  readonly clientClosed: SseMetrics['clientClosed'] = (reason, { endpoint, transport }) => {
    this.#add('streamsClosed', 1, { endpoint, transport, reason });
    this.#add('streamsOpen', -1, { endpoint, transport });
  };
  readonly clientRefused: Required<SseMetrics>['clientRefused'] = (reason, { endpoint, transport }) =>
    this.#add('streamsRefused', 1, { endpoint, transport, reason });
  readonly limitReached: Required<SseMetrics>['limitReached'] = (limit, { endpoint, transport }) =>
    this.#add('limitsReached', 1, { endpoint, transport, limit });
  readonly limitUnchecked: Required<SseMetrics>['limitUnchecked'] = (limit, { endpoint, transport }) =>
    this.#add('limitsUnchecked', 1, { endpoint, transport, limit });
  readonly eventPublished: Required<SseMetrics>['eventPublished'] = (outcome) =>
    void this.#publishes[outcome]++;
  readonly eventDelivered: SseMetrics['eventDelivered'] = (clients, bytes) => {
    this.#deliveries += clients;
    this.#deliveredBytes += bytes;
    this.#record('fanOut', clients);
  };
  readonly eventSent: Required<SseMetrics>['eventSent'] = (bytes) => {
    this.#add('sends', 1);
    this.#add('sentBytes', bytes);
  };
  readonly eventsReplayed: Required<SseMetrics>['eventsReplayed'] = (events) => this.#add('replays', events);
  readonly eventWritten: Required<SseMetrics>['eventWritten'] = ({ lagMs, totalMs }) => {
    this.#record('brokerLag', lagMs / 1_000);
    this.#record('writeLatency', totalMs / 1_000);
  };
  readonly volatileDropped = (): void => this.#add('volatileDropped', 1);
  readonly clientResumed: Required<SseMetrics>['clientResumed'] = (outcome, source) =>
    this.#add('resumes', 1, { outcome, source });
  readonly gapSent: Required<SseMetrics>['gapSent'] = (reason, clients) =>
    this.#add('gaps', clients, { reason });
  readonly runStarted = (): void => this.#add('runsStarted', 1);
  readonly runEnded: Required<SseMetrics>['runEnded'] = (state, reason) =>
    this.#add('runsEnded', 1, { state, reason });
  readonly brokerStateChanged: Required<SseMetrics>['brokerStateChanged'] = (state) => {
    this.#state = state;
  };
  readonly brokerReconnected = (): void => this.#add('brokerReconnects', 1);
  readonly brokerCalled: Required<SseMetrics>['brokerCalled'] = (call, outcome, durationMs) =>
    this.#record('brokerCalls', durationMs / 1_000, BROKER_CALLS[call][outcome]);
  readonly callbackFailed: Required<SseMetrics>['callbackFailed'] = (callback) =>
    this.#add('callbackFailures', 1, { callback });
  readonly started: Required<SseMetrics>['started'] = (read) => {
    this.#nodes.add(read);
    this.#onStart();
  };

  #publishTotals(): Total[] {
    const totals = Object.entries(this.#publishes);
    return totals.flatMap(([outcome, value]) => (value === 0 ? [] : [{ labels: { outcome }, value }]));
  }

  #add(name: InstrumentName, value: number, labels?: Labels): void {
    let totals = this.#totals.get(name);
    if (totals === undefined) this.#totals.set(name, (totals = new Totals()));
    totals.add(value, labels);
  }

  #valueOf(name: InstrumentName): number | undefined {
    if (name === 'deliveries') return this.#deliveries;
    if (name === 'deliveredBytes') return this.#deliveredBytes;
    return isGauge(name) ? this.#sumOf(name) : undefined;
  }

  /** A process may run several nodes in turn, as tests do. Those that have closed are forgotten. */
  #sumOf(name: keyof SseGauges): number {
    let sum = 0;
    for (const read of this.#nodes) {
      const gauges = read();
      if (gauges === undefined) this.#nodes.delete(read);
      else sum += gauges[name];
    }
    return sum;
  }
}

const GAUGES: readonly string[] = [
  'slowClients',
  'queuedBytes',
  'rooms',
  'runs',
  'runFollowers',
] satisfies (keyof SseGauges)[];

function isGauge(name: string): name is keyof SseGauges {
  return GAUGES.includes(name);
}
