/**
 * Measures what metrics cost: CPU time of the process per delivery with the metrics of Prometheus, of OpenTelemetry and with
 * subscribers of the diagnostics channels, against the same application without any.
 *
 *   npm run build && node bench/metrics.mjs [processes]
 *
 * One process serves an application for each subject. In each round all of them publish a block of events in turn, in a
 * random sequence. Two applications are without metrics: the ratio of one to the other is the noise of the run. Several processes
 * follow each other, since the place of an application in memory alone is worth some percent. The clients are in processes
 * of their own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import diagnostics from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { median } from './lib/statistics.mjs';
import { decorate } from './peers/decorate.mjs';

const ROUNDS = 20;
const WARM_UP = 4;
/** Clients of a room, and events of a block: about as many deliveries in each. */
const FLEETS = [
  { clients: 250, events: 20 },
  { clients: 10, events: 300 },
];
const TEXT = 'x'.repeat(100);

const FILE = new URL(import.meta.url);
const root = createRequire(new URL('../package.json', import.meta.url));
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** An application with one room for each fleet. */
async function start(metrics) {
  const { SseModule, SseRoom, SseService } = await import('../dist/index.js');
  const { NestFactory } = root('@nestjs/core');
  const { Controller, Get, Module } = root('@nestjs/common');
  class StreamController {
    events() {}
  }
  decorate(StreamController, {
    on: [Controller()],
    methods: { events: { on: [Get('rooms/:room'), SseRoom(':room')] } },
  });
  class AppModule {}
  const options = { heartbeatIntervalMs: false, ...(metrics && { metrics }) };
  Module({ imports: [SseModule.forRoot(options)], controllers: [StreamController] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  return { app, sse: app.get(SseService), port: app.getHttpServer().address().port };
}

const SHARED = Buffer.alloc(65_536);

/** Opens a stream, which reads whatever it is sent. Settles when it is open. */
function open(port, room) {
  return new Promise((resolve, reject) => {
    const callback = () => (resolve(), true);
    const socket = connect({ port, host: '127.0.0.1', onread: { buffer: SHARED, callback } });
    socket.write(`GET /rooms/${room} HTTP/1.1\r\nHost: bench\r\n\r\n`);
    socket.on('error', reject).on('close', () => reject(new Error('A stream has ended')));
  });
}

/** Opens the streams of all applications, some at a time. */
async function readAll(ports) {
  const streams = ports.flatMap((port) =>
    FLEETS.flatMap(({ clients }) => Array.from({ length: clients }, () => ({ port, room: clients }))),
  );
  const worker = async () => {
    for (let next = streams.pop(); next; next = streams.pop()) await open(next.port, next.room);
  };
  await Promise.all(Array.from({ length: 50 }, worker));
  process.send('open');
}

async function openTelemetry() {
  const { metrics } = root('@opentelemetry/api');
  const { MeterProvider } = root('@opentelemetry/sdk-metrics');
  metrics.setGlobalMeterProvider(new MeterProvider());
  const { openTelemetryMetrics } = await import('../dist/opentelemetry/index.js');
  return openTelemetryMetrics();
}

async function prometheus() {
  const { Registry } = root('prom-client');
  const { prometheusMetrics } = await import('../dist/prometheus/index.js');
  return prometheusMetrics({ registry: new Registry() });
}

/** Messages on the channels, which are those of the process: subscribed to only during a block. */
let seen = 0;
const count = () => void seen++;
const NAMES = ['publish', 'deliver', 'open', 'close', 'broker'].map((name) => `nestjs-simple-sse.${name}`);
const channels = {
  begin: () => NAMES.forEach((name) => diagnostics.subscribe(name, count)),
  end: () => NAMES.forEach((name) => diagnostics.unsubscribe(name, count)),
};

/** Publishes a block of events. @returns CPU time per delivery, in microseconds */
async function block({ sse, begin, end }, { clients, events }) {
  begin?.();
  const before = process.cpuUsage();
  for (let n = 0; n < events; n++) {
    await sse.broadcast(`${clients}`, 'news', TEXT);
    // The second turn makes sure that the flush has run: see server/publisher.mjs.
    await turn();
    await turn();
  }
  const { user, system } = process.cpuUsage(before);
  end?.();
  return { user: user / (clients * events), all: (user + system) / (clients * events) };
}

const SUBJECTS = [
  { name: 'none', metrics: () => undefined },
  { name: 'none again', metrics: () => undefined },
  { name: 'Prometheus', metrics: prometheus },
  { name: 'OpenTelemetry', metrics: openTelemetry },
  { name: 'diagnostics channels', metrics: () => undefined, ...channels },
];

/** Starts the applications, and sends the figures of each block to the parent process. */
async function measure(shift) {
  const subjects = [];
  for (const { metrics, ...subject } of rotated(SUBJECTS, shift))
    subjects.push({ ...subject, ...(await start(await metrics())) });
  const reader = fork(FILE, ['read', ...subjects.map(({ port }) => port)]);
  await new Promise((resolve) => reader.once('message', resolve));
  for (const fleet of FLEETS) {
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (const subject of shuffled(subjects)) {
        const figure = await block(subject, fleet);
        if (round >= 0) process.send({ name: subject.name, clients: fleet.clients, ...figure });
      }
    }
  }
  if (seen === 0) throw new Error('No message was seen on the channels');
  reader.kill();
  process.disconnect();
  process.exit();
}

function rotated(list, by) {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

/** A random sequence: garbage of one block may be collected in the next. */
function shuffled(list) {
  return list
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

async function main(processes) {
  const figures = [];
  for (let n = 0; n < processes; n++) {
    const child = fork(FILE, ['measure', n]);
    child.on('message', (figure) => figures.push(figure));
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`A process ended with ${code}`);
  }
  for (const { clients, events } of FLEETS) {
    console.log(`\n${clients} clients, ${processes} processes with ${ROUNDS} rounds of ${events} events`);
    console.log('| metrics | user CPU per delivery (us) | ratio | user and system (us) | ratio |');
    console.log('| --- | --: | --: | --: | --: |');
    const of = (name, field) =>
      median(
        figures.filter((each) => each.name === name && each.clients === clients).map((each) => each[field]),
      );
    for (const { name } of SUBJECTS) {
      const cells = ['user', 'all'].flatMap((field) => {
        const without = (of('none', field) + of('none again', field)) / 2;
        return [of(name, field).toFixed(2), (of(name, field) / without).toFixed(3)];
      });
      console.log(`| ${name} | ${cells.join(' | ')} |`);
    }
  }
}

const [role, ...rest] = process.argv.slice(2);
if (role === 'read') await readAll(rest.map(Number));
else if (role === 'measure') await measure(Number(rest[0]));
else await main(Number(role ?? 6));
