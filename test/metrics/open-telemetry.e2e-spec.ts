import { context, metrics, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { SseError, type SseModuleOptions } from 'nestjs-simple-sse';
import { openTelemetryMetrics, openTelemetryTracing } from 'nestjs-simple-sse/opentelemetry';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { INSTRUMENTS } from '../../src/metrics/instruments.js';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { express, platforms } from '../support/platforms.js';
import { refusal } from '../support/refusal.js';
import { connectClient, testApp } from '../support/test.controller.js';
import { eventually } from '../support/within.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';
import { documentedInstruments } from './documented-instruments.js';
import type { RunningApp } from '../support/running-app.js';

class RefusingBroker extends WrappedMemoryBroker {
  override publish(): Promise<never> {
    return Promise.reject(new SseError('broker-unavailable', 'Redis is away.'));
  }
}

/** Records the options of each publish. */
class RecordingBroker extends WrappedMemoryBroker {
  readonly options: object[] = [];

  override publish(
    ...args: Parameters<WrappedMemoryBroker['publish']>
  ): ReturnType<WrappedMemoryBroker['publish']> {
    this.options.push(args[2]);
    return super.publish(...args);
  }
}

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

function register(): void {
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
}

afterEach(() => {
  exporter.reset();
  trace.disable();
  context.disable();
  propagation.disable();
  metrics.disable();
});

const spansOf = (kind: SpanKind): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.kind === kind);

/** Publishes within a span of the application, and returns the spans of the publish and of the deliveries. */
async function traced(running: RunningApp, room: string | string[]): Promise<void> {
  const tracer = trace.getTracer('the application');
  await tracer.startActiveSpan('checkout', async (span) => {
    await running.sse.broadcast(room, 'paid', { cents: 7 });
    span.end();
  });
}

describe.each(platforms)('the traces of OpenTelemetry on $name', (platform) => {
  let running: RunningApp;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    running = await platform.start(testApp({ options: { tracing: openTelemetryTracing(), ...options } }));
  }
  afterEach(() => running.close());

  it('make the span of the publisher the parent of the delivery, and nothing of it reaches the client', async () => {
    register();
    await start();
    const { stream } = await connectClient(running, '/rooms/shop');
    await connectClient(running, '/rooms/shop');
    await traced(running, 'shop');
    await stream.nextEvent();
    const [checkout] = spansOf(SpanKind.INTERNAL);
    const [publish] = spansOf(SpanKind.PRODUCER);
    const [deliver] = spansOf(SpanKind.CONSUMER);
    expect(publish?.parentSpanContext?.spanId).toBe(checkout?.spanContext().spanId);
    expect(deliver?.parentSpanContext?.spanId).toBe(publish?.spanContext().spanId);
    expect(deliver?.spanContext().traceId).toBe(checkout?.spanContext().traceId);
    expect(deliver?.attributes).toMatchObject({ 'sse.event': 'paid', 'sse.rooms': 1, 'sse.clients': 2 });
    expect(publish?.attributes).toMatchObject({ 'messaging.operation.name': 'publish' });
    for (const secret of [
      'traceparent',
      checkout?.spanContext().traceId ?? '?',
      publish?.spanContext().spanId ?? '?',
    ])
      expect(stream.rawText).not.toContain(secret);
    // A resume reads the event from history, where the trace is stored with it.
    const resumed = await running.listen('/rooms/shop', {
      headers: { 'last-event-id': stream.events[0]?.id ?? '' },
    });
    await resumed.nextEvent();
    expect(resumed.rawText).not.toContain('traceparent');
  });

  it('end the span of a publish that fails as an error', async () => {
    register();
    await start({ broker: new RefusingBroker() });
    await refusal(() => running.sse.broadcast('shop', 'n', 1));
    await eventually(() => spansOf(SpanKind.PRODUCER).length === 1, 'the span');
    const [publish] = spansOf(SpanKind.PRODUCER);
    expect(publish?.status.code).toBe(SpanStatusCode.ERROR);
    expect(publish?.events.map(({ name }) => name)).toEqual(['exception']);
  });

  it('add nothing to an event without a registered SDK', async () => {
    const broker = new RecordingBroker();
    await start({ broker });
    const { stream } = await connectClient(running, '/rooms/shop');
    await running.sse.broadcast('shop', 'n', 1);
    await stream.nextEvent();
    expect(broker.options).toHaveLength(1);
    expect(Object.keys(broker.options[0] ?? {})).not.toContain('trace');
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});

it('a tracer that fails is reported, and the event goes on without its trace', async () => {
  const running = await express.start(
    testApp({ options: { tracing: { publishStarted: fail, deliveryStarted: fail } } }),
  );
  const { stream } = await connectClient(running, '/rooms/shop');
  await running.sse.broadcast('shop', 'n', 1);
  expect((await stream.nextEvent()).data).toBe('1');
  expect(running.logger.complaints.map(({ text }) => text).join()).toContain('tracing.publishStarted');
  await running.close();
});

describeWithRedis.each<{ driver: RedisDriverName; partitions: number }>([
  { driver: 'redis', partitions: 1 },
  { driver: 'ioredis', partitions: 1 },
  { driver: 'redis', partitions: 3 },
])(
  'the trace of an event through Redis over $driver with $partitions partitions',
  ({ driver, partitions }) => {
    it('makes the span of the publishing node the parent of the delivery on another, of stored and of volatile events', async () => {
      register();
      const server = await RedisServer.start();
      const start = (): Promise<RunningApp> =>
        express.start(
          testApp({
            options: {
              broker: redisBroker({ url: server.url, driver, partitions }),
              tracing: openTelemetryTracing(),
              rooms: { 'cursor*': { volatile: true } },
            },
          }),
        );
      const [one, two] = [await start(), await start()];
      try {
        const clients = [await connectClient(two, '/rooms/shop'), await connectClient(two, '/rooms/cursor')];
        await clients[0]?.client.join('bar');
        for (const [room, client] of [
          ['shop', 0],
          ['cursor', 1],
          [['shop', 'bar'], 0],
        ] as [string | string[], number][]) {
          exporter.reset();
          await traced(one, room);
          await clients[client]?.stream.nextEvent();
          await eventually(() => spansOf(SpanKind.CONSUMER).length > 0, 'the delivery');
          const [publish] = spansOf(SpanKind.PRODUCER);
          for (const deliver of spansOf(SpanKind.CONSUMER))
            expect(deliver.parentSpanContext).toMatchObject({
              spanId: publish?.spanContext().spanId,
              isRemote: true,
            });
          expect(clients[client]?.stream.rawText).not.toContain(publish?.spanContext().traceId);
        }
      } finally {
        await Promise.all([one.close(), two.close()]);
        await server.dispose();
      }
    });
  },
);

describe('the metrics of OpenTelemetry', () => {
  it('are what the documentation lists, with the values of the node', async () => {
    const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter: memory, exportIntervalMillis: 3_600_000 });
    const meters = new MeterProvider({ readers: [reader] });
    const sse = openTelemetryMetrics();
    metrics.setGlobalMeterProvider(meters);
    const running = await express.start(testApp({ options: { metrics: sse } }));
    const { stream } = await connectClient(running, '/rooms/shop');
    await running.sse.broadcast('shop', 'n', 1);
    await stream.nextEvent();
    sse.gapSent?.('epoch', 5);
    sse.callbackFailed?.('identify');
    await meters.forceFlush();
    const found = memory
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    const documented = documentedInstruments('OpenTelemetry');
    const unitOf = new Map(documented.map(({ name, kind }) => [name, kind]));
    expect(documented.map(({ name }) => name)).toEqual(
      Object.values(INSTRUMENTS).map(({ openTelemetry }) => openTelemetry),
    );
    expect(found.length).toBeGreaterThan(10);
    for (const { descriptor } of found) expect(unitOf.get(descriptor.name)).toBe(descriptor.unit);
    const valueOf = (name: string): unknown =>
      found
        .find(({ descriptor }) => descriptor.name === name)
        ?.dataPoints.map(({ attributes, value }) => [attributes, value]);
    expect(valueOf('sse.streams.open')).toEqual([
      [{ 'http.route': '/rooms/:room', 'network.protocol.version': '1.1' }, 1],
    ]);
    expect(valueOf('sse.deliveries')).toEqual([[{}, 1]]);
    expect(valueOf('sse.gaps')).toEqual([[{ 'sse.reason': 'epoch' }, 5]]);
    const fanOut = found.find(({ descriptor }) => descriptor.name === 'sse.fan_out');
    expect(fanOut?.dataPointType).toBe(DataPointType.HISTOGRAM);
    await running.close();
    await meters.shutdown();
  });
});

function fail(): never {
  throw new Error('no tracer');
}
