import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { prometheusMetrics } from 'nestjs-simple-sse/prometheus';
import { Counter, register, Registry } from 'prom-client';
import { INSTRUMENTS } from '../../src/metrics/instruments.js';
import { compileApp } from '../support/compiled-app.js';
import { platforms } from '../support/platforms.js';
import { refusal, unchecked } from '../support/refusal.js';
import { connectClient, testApp } from '../support/test.controller.js';
import { eventually } from '../support/within.js';
import { documentedInstruments } from './documented-instruments.js';

afterEach(() => register.clear());

describe.each(platforms)('the metrics of Prometheus on $name', (platform) => {
  it('are served by @willsoto/nestjs-prometheus', async () => {
    const compiled = compileApp(readFileSync('test/metrics/nest-prometheus-app.ts', 'utf8'));
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [compiled.main, platform.name]);
      expect(stdout).toContain('sse_streams_open{endpoint="/shops/:id",transport="http/1.1"} 1\n');
      expect(stdout).toContain('# TYPE sse_publish_to_write_seconds histogram\n');
    } finally {
      compiled.remove();
    }
  });

  it('are the values of the node', async () => {
    const running = await platform.start(
      testApp({
        options: { metrics: prometheusMetrics(), limits: { maxStreams: 3 } },
      }),
    );
    const clients = [
      await connectClient(running, '/rooms/shop'),
      await connectClient(running, '/rooms/shop'),
      await connectClient(running),
    ];
    expect((await running.open('/plain', { headers: { accept: 'text/html' } })).status).toBe(503);
    await running.sse.broadcast('shop', 'paid', 'x');
    clients[2]?.client.send('alone', 'x');
    await clients[0]?.stream.nextEvent();
    clients[1]?.stream.close();
    await eventually(() => running.sse.count() === 2, 'one client gone');
    const text = await register.metrics();
    const stream = 'endpoint="/rooms/:room",transport="http/1.1"';
    for (const line of [
      `sse_streams_open{${stream}} 1`,
      `sse_streams_opened_total{${stream}} 2`,
      `sse_streams_closed_total{${stream},reason="client-gone"} 1`,
      'sse_limits_reached_total{endpoint="/plain",transport="http/1.1",limit="maxStreams"} 1',
      'sse_publishes_total{outcome="accepted"} 1',
      'sse_deliveries_total 2',
      'sse_fan_out_clients_sum 2',
      'sse_fan_out_clients_count 1',
      'sse_fan_out_clients_bucket{le="1"} 0',
      'sse_fan_out_clients_bucket{le="3"} 1',
      'sse_sends_total 1',
      `sse_sent_bytes_total ${Buffer.byteLength('event: alone\ndata: x\n\n')}`,
      'sse_publish_to_write_seconds_count 1',
      'sse_broker_lag_seconds_count 1',
      'sse_broker_call_duration_seconds_count{call="publish",outcome="ok"} 1',
      'sse_broker_state{state="live"} 1',
      'sse_broker_state{state="down"} 0',
      'sse_rooms 1',
      'sse_slow_clients 0',
      'sse_queued_bytes 0',
    ])
      expect(text.split('\n')).toContain(line);
    // A scrape changes no value.
    expect(await register.metrics()).toBe(text);
    await running.close();
  });
});

describe('prometheusMetrics', () => {
  it('registers what the documentation lists, no more and no less: names, kinds, labels and help', async () => {
    const registry = new Registry();
    prometheusMetrics({ registry });
    const found = registry.getMetricsAsArray().map(({ name, help, type, ...metric }) => ({
      name,
      kind: String(type),
      labels: [...unchecked<{ labelNames: string[] }>(metric).labelNames],
      help,
    }));
    expect(found).toEqual(
      documentedInstruments('Prometheus').map(({ name, kind, labels, help }) => ({
        name,
        kind,
        labels,
        help,
      })),
    );
    expect(found.map(({ kind }) => kind)).toEqual(Object.values(INSTRUMENTS).map(({ kind }) => kind));
  });

  it('has names in the convention of Prometheus: counters end in _total, and units are seconds or bytes', () => {
    for (const { kind, prometheus, unit } of Object.values(INSTRUMENTS)) {
      expect(prometheus).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(prometheus.endsWith('_total')).toBe(kind === 'counter');
      if (unit === 's') expect(prometheus).toMatch(/_seconds(_total)?$/);
      if (unit === 'By') expect(prometheus).toMatch(/_bytes(_total)?$/);
    }
  });

  it('returns the same metrics for the same registry and prefix, and others for another one', () => {
    const registry = new Registry();
    const metrics = prometheusMetrics({ registry });
    expect(prometheusMetrics({ registry })).toBe(metrics);
    expect(prometheusMetrics({ registry, prefix: 'shop_sse_' })).not.toBe(metrics);
    expect(registry.getSingleMetric('shop_sse_streams_open')).toBeDefined();
    expect(prometheusMetrics()).not.toBe(metrics);
    registry.clear();
    expect(prometheusMetrics({ registry })).not.toBe(metrics);
    expect(registry.getSingleMetric('sse_streams_open')).toBeDefined();
  });

  it('keeps its counters through `resetMetrics` of the registry, and begins its histograms anew', async () => {
    const registry = new Registry();
    const metrics = prometheusMetrics({ registry });
    metrics.eventDelivered(3, 300);
    const read = async (): Promise<string[]> => {
      const lines = (await registry.metrics()).split('\n');
      return lines.filter((line) => /^sse_(deliveries_total|fan_out_clients_count) /.test(line));
    };
    expect(await read()).toEqual(['sse_deliveries_total 3', 'sse_fan_out_clients_count 1']);
    registry.resetMetrics();
    expect(await read()).toEqual(['sse_deliveries_total 3', 'sse_fan_out_clients_count 0']);
    metrics.eventDelivered(2, 200);
    expect(await read()).toEqual(['sse_deliveries_total 5', 'sse_fan_out_clients_count 1']);
  });

  it.each<[object, string]>([
    [{ registry: {} }, 'registry'],
    [{ registry: null }, 'registry'],
    [{ prefix: '' }, 'prefix'],
    [{ prefix: '1_' }, 'prefix'],
    [{ prefix: 'a-b' }, 'prefix'],
    [{ prefix: 7 }, 'prefix'],
  ])('refuses %j, and names the option', async (options, name) => {
    const error = await refusal(() => prometheusMetrics(options));
    expect(error).toMatchObject({ code: 'invalid-options' });
    expect((error as Error).message).toContain(`"${name}"`);
  });

  it('throws where another metric of the registry has one of the names', () => {
    const registry = new Registry();
    const taken = new Counter({ name: 'sse_gaps_total', help: 'Another one', registers: [registry] });
    taken.inc();
    expect(() => prometheusMetrics({ registry })).toThrow('sse_gaps_total');
  });

  it('counts every method of SseMetrics', async () => {
    const registry = new Registry();
    const metrics = prometheusMetrics({ registry });
    const stream = { endpoint: '/a', transport: 'h2' } as const;
    metrics.clientRefused?.('refused', stream);
    metrics.eventPublished?.('failed');
    metrics.eventsReplayed?.(7);
    metrics.volatileDropped();
    metrics.clientResumed?.('partial', 'broker');
    metrics.gapSent?.('epoch', 5);
    metrics.brokerStateChanged?.('syncing');
    metrics.brokerReconnected?.();
    metrics.brokerCalled?.('read', 'failed', 2_000);
    metrics.callbackFailed?.('identify');
    const lines = (await registry.metrics()).split('\n');
    for (const line of [
      'sse_streams_refused_total{endpoint="/a",transport="h2",reason="refused"} 1',
      'sse_publishes_total{outcome="failed"} 1',
      'sse_replayed_events_total 7',
      'sse_volatile_dropped_total 1',
      'sse_resumes_total{outcome="partial",source="broker"} 1',
      'sse_gaps_total{reason="epoch"} 5',
      'sse_broker_state{state="syncing"} 1',
      'sse_broker_state{state="live"} 0',
      'sse_broker_reconnects_total 1',
      'sse_broker_call_duration_seconds_sum{call="read",outcome="failed"} 2',
      'sse_callback_failures_total{callback="identify"} 1',
    ])
      expect(lines).toContain(line);
  });
});
