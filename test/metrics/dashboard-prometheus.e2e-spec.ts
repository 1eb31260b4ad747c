import { readFileSync } from 'node:fs';
import { Controller, Get, GoneException, Header } from '@nestjs/common';
import { MemoryBroker, SseError, SseRoom } from 'nestjs-simple-sse';
import { prometheusMetrics } from 'nestjs-simple-sse/prometheus';
import { register } from 'prom-client';
import { describeUnless } from '../support/describe-unless.js';
import { express } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { missingPrometheus, PrometheusProcess } from './prometheus-process.js';
import type { RunningApp } from '../support/running-app.js';
import { connectClient, testApp } from '../support/test.controller.js';
import { eventually, pause, PATIENCE_MS } from '../support/within.js';

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

@Controller()
class MetricsController {
  @Get('metrics')
  @Header('content-type', register.contentType)
  metrics(): Promise<string> {
    return register.metrics();
  }

  @Get('gone')
  @SseRoom('shop')
  gone(): void {
    throw new GoneException();
  }
}

/** A store of streams of users that cannot be reached. */
const UNREACHABLE = {
  add: () => Promise.reject(new SseError('broker-unavailable', 'no Redis')),
  remove: () => {},
};

describeUnless(missingPrometheus, 'the dashboard of Grafana, in Prometheus', () => {
  let app: RunningApp;
  let prometheus: PrometheusProcess;

  beforeAll(async () => {
    app = await express.start(
      testApp({
        controllers: [MetricsController],
        options: {
          metrics: prometheusMetrics(),
          limits: { maxStreams: 20, maxStreamsPerUserOnAllNodes: 1 },
          broker: Object.assign(new MemoryBroker(), { userStreams: UNREACHABLE }),
          maxQueuedBytes: 100_000,
          identify: ({ request }) => {
            if ((request as { url: string }).url.includes('user=ann')) return { user: 'ann' };
            throw new Error('no session');
          },
        },
      }),
    );
    prometheus = await PrometheusProcess.start([portOf(app.server)]);
  }, 2 * PATIENCE_MS);

  afterAll(async () => {
    await prometheus?.stop();
    await app?.close();
    register.clear();
  });

  /** Something of all that the panels show. */
  async function traffic(): Promise<void> {
    const { stream, client } = await connectClient(app, '/rooms/shop');
    const id = await app.sse.broadcast('shop', 'news', 'x');
    client.send('alone', 'x');
    await stream.nextEvent();
    stream.close();
    for (const lastEventId of [id ?? '', 'x'])
      (await app.listen('/rooms/shop', { headers: { 'last-event-id': lastEventId } })).close();
    const streams = await Promise.all(Array.from({ length: 20 }, () => app.listen('/rooms/shop')));
    expect((await app.open('/plain', { headers: { accept: 'text/html' } })).status).toBe(503);
    for (const each of streams) each.close();
    await eventually(() => app.sse.count() === 0, 'room for another stream');
    (await app.listen('/rooms/shop?user=ann')).close();
    expect((await app.open('/gone')).status).toBe(410);
    const run = `imports/${id}`;
    await app.sse.runs.start(run, () => Promise.resolve(['row']));
    await eventually(async () => (await app.sse.runs.status(run))?.state === 'done', 'the end of a run');
    await eventually(() => app.sse.count() === 0, 'no client');
  }

  it(
    'has a series, and a number, for every query',
    async () => {
      const dashboard = JSON.parse(readFileSync('docs/grafana/nestjs-simple-sse.json', 'utf8')) as Dashboard;
      const queries = dashboard.panels.flatMap(({ title, targets }) =>
        targets.map(({ expr }) => ({ title, expr })),
      );
      let empty: string[] = [];
      await eventually(
        async () => {
          await traffic();
          await pause(500);
          empty = [];
          for (const { title, expr } of queries) {
            const values = await prometheus.values(expr);
            if (!values.some((value) => Number.isFinite(Number(value)))) empty.push(`${title}: ${expr}`);
          }
          return empty.length === 0;
        },
        'a series for each query',
        2 * PATIENCE_MS,
      ).catch(() => {});
      expect(empty).toEqual([]);
    },
    4 * PATIENCE_MS,
  );
});
