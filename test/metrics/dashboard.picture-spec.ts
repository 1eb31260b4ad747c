import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { Controller, Get, GoneException, Header } from '@nestjs/common';
import { SseRoom, type SseModuleOptions } from 'nestjs-simple-sse';
import { prometheusMetrics } from 'nestjs-simple-sse/prometheus';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { Registry } from 'prom-client';
import { RedisServer } from '../redis/redis-server.js';
import { express } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { testApp } from '../support/test.controller.js';
import { pause } from '../support/within.js';
import { drawDashboard, type Dashboard } from './drawn-dashboard.js';
import { PrometheusProcess } from './prometheus-process.js';
import type { RunningApp } from '../support/running-app.js';

/**
 * Writes docs/grafana/nestjs-simple-sse.svg: `npm test -- --testRegex=dashboard.picture-spec`. Its figures are those of two nodes
 * that share a Redis, which is restarted without its data in the middle. Prometheus evaluates the queries; Grafana draws nothing.
 */
const FILE = 'docs/grafana/nestjs-simple-sse.svg';
const TRAFFIC_MS = 150_000;
const STEP_MS = 100;

interface Query {
  readonly url: string;
}

function nodeApp(redisUrl: string): Parameters<typeof express.start>[0] {
  const registry = new Registry();
  @Controller()
  class NodeController {
    @Get('metrics')
    @Header('content-type', registry.contentType)
    metrics(): Promise<string> {
      return registry.metrics();
    }

    @Get('gone')
    @SseRoom('orders')
    gone(): void {
      throw new GoneException();
    }
  }
  const options: SseModuleOptions = {
    metrics: prometheusMetrics({ registry }),
    broker: redisBroker({ url: redisUrl, publishTimeoutMs: 1_000 }),
    retryMs: 500,
    writeTimeoutMs: 20_000,
    limits: { maxStreamsPerKey: 3, keyOf: keyOf },
    identify: ({ request }) => {
      if ((request as Query).url.includes('nobody')) throw new Error('no session');
      return undefined;
    },
  };
  return testApp({ controllers: [NodeController], options });
}

function keyOf({ url }: Query): string | undefined {
  return url.includes('?tenant') ? 'tenant' : undefined;
}

/** Streams that come, leave, resume and read nothing, and events for them. One call is a tenth of a second. */
class Traffic {
  readonly #nodes: readonly RunningApp[];
  readonly #streams: { close(): void }[] = [];
  readonly #deaf: Socket[] = [];
  #lastId = 'x';

  constructor(nodes: readonly RunningApp[]) {
    this.#nodes = nodes;
  }

  async step(n: number): Promise<void> {
    const [first, second] = this.#nodes as readonly [RunningApp, RunningApp];
    const node = n % 2 === 0 ? first : second;
    if (n % 4 === 0 && this.#streams.length < 120 + 60 * Math.sin(n / 200))
      this.#streams.push(await node.listen(n % 8 === 0 ? '/rooms/orders' : '/rooms/news'));
    else if (n % 7 === 0) this.#streams.shift()?.close();
    if (n % 11 === 0) await this.#resume(node, n % 33 === 0 ? 'x' : this.#lastId);
    if (n % 25 === 0) void (await second.open('/rooms/news?tenant')).status;
    if (n % 90 === 0) void (await first.open('/gone')).status;
    if (n % 60 === 0) (await first.listen('/rooms/news?nobody')).close();
    if (n % 300 === 100) this.#deaf.push(deafClient(first));
    if (n % 100 === 0) await this.#startRun(first, n).catch(() => {});
    await this.#publish(node, n);
  }

  close(): void {
    for (const each of this.#streams) each.close();
    for (const each of this.#deaf) each.destroy();
  }

  async #publish({ sse }: RunningApp, n: number): Promise<void> {
    const perStep = 1 + Math.round(2 + 2 * Math.sin(n / 150));
    for (let each = 0; each < perStep; each++)
      void sse.broadcast('orders', 'paid', { n }).then((id) => (this.#lastId = id ?? this.#lastId), noop);
    void sse.broadcast('news', 'headline', { n, text: 'x'.repeat(200) }).catch(noop);
    void sse.broadcast('video', 'frame', 'x'.repeat(20_000), { volatile: true }).catch(noop);
    const [first] = sse.clients('orders');
    first?.send('alone', { n });
  }

  async #resume(node: RunningApp, lastEventId: string): Promise<void> {
    const stream = await node.listen('/rooms/orders', { headers: { 'last-event-id': lastEventId } });
    setTimeout(() => stream.close(), 2_000);
  }

  async #startRun({ sse }: RunningApp, n: number): Promise<void> {
    await sse.runs.start(`imports/${n}`, async function* () {
      for (let row = 0; row < 60; row++) yield await pause(100).then(() => ({ event: 'row', data: row }));
      if (n % 500 === 0) throw new Error('the import has failed');
    });
  }
}

const noop = (): void => {};

/** A client that reads nothing of a room with large events. */
function deafClient({ server }: RunningApp): Socket {
  const socket = connect(portOf(server), '127.0.0.1').pause();
  socket.on('error', noop);
  socket.write('GET /rooms/video HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n');
  return socket;
}

it(
  'the dashboard is drawn from the figures of two nodes',
  async () => {
    const redis = await RedisServer.start();
    const nodes = [await express.start(nodeApp(redis.url)), await express.start(nodeApp(redis.url))];
    const prometheus = await PrometheusProcess.start(
      nodes.map(({ server }) => portOf(server)),
      1_000,
    );
    const traffic = new Traffic(nodes);
    const startMs = Date.now();
    let wasRestarted = false;
    for (let n = 0; Date.now() < startMs + TRAFFIC_MS; n++) {
      await traffic.step(n);
      if (!wasRestarted && Date.now() > startMs + 0.6 * TRAFFIC_MS) {
        wasRestarted = true;
        void redis
          .kill()
          .then(() => pause(6_000))
          .then(() => redis.launch());
      }
      await pause(STEP_MS);
    }
    const dashboard = JSON.parse(readFileSync('docs/grafana/nestjs-simple-sse.json', 'utf8')) as Dashboard;
    const times = { startMs: startMs + 5_000, endMs: Date.now() };
    writeFileSync(FILE, await drawDashboard(dashboard, prometheus, times));
    traffic.close();
    await prometheus.stop();
    for (const node of nodes) await node.close();
    await redis.dispose();
  },
  4 * TRAFFIC_MS,
);
