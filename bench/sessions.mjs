/**
 * Measures streams with sessions that come back to a node, over ioredis, with one redis-server. Prints a line for each:
 *
 * - CPU time of the node for a stream that resumes with 20 rooms of its session, against one that resumes with the same 20 rooms
 *   named by its endpoint. Both take turns in one run.
 * - Calls to Redis while 10,000 sessions, which were on another node, come back to one at once: to one that receives their 50 rooms
 *   for other streams, and to one that does not. Every stream must be in its room again, with exactly the missed events and without
 *   `sse:gap`, or the run fails. Those are calls of the whole node, its renewals and checks included.
 *
 *   npm run build && node bench/sessions.mjs [number of sessions] [number of partitions]
 */
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisServer } from './lib/redis-server.mjs';
import { percentile } from './lib/statistics.mjs';
import { decorate } from './peers/decorate.mjs';

const SESSIONS = Number(process.argv[2] ?? 10_000);
const PARTITIONS = Number(process.argv[3] ?? 1);
const STORM_ROOMS = 50;
const CLIENTS = 200;
const ROOMS_OF_CLIENT = 20;
const ROOMS = 100;
const ROUNDS = 12;
const WARM_UP = 3;
/** Streams that are opened at once, until each has its headers. */
const AT_ONCE = 400;

const root = createRequire(new URL('../package.json', import.meta.url));
root('reflect-metadata');

const roomsOf = (n) => Array.from({ length: ROOMS_OF_CLIENT }, (_, i) => `r/${(n * 7 + i) % ROOMS}`);
const medianOf = (values) =>
  percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** The number in the URL of a stream. */
const numberOf = ({ request }) => Number(/\d+$/.exec(request.url)?.[0]);
const path = (n) => `/events?session=session-of-the-storm-${n}`;
const hasHeaders = (stream) => stream.received('retry: ');

/** A node, with the calls of the parent process. */
async function serve(url, partitions) {
  const { SseModule, SseRoom, SseService } = await import('../dist/index.js');
  const { redisBroker } = await import('../dist/redis.js');
  const { NestFactory } = root('@nestjs/core');
  const { FastifyAdapter } = root('@nestjs/platform-fastify');
  const { Controller, Get, Module } = root('@nestjs/common');
  class StreamController {
    events() {}
    named() {}
  }
  decorate(StreamController, {
    on: [Controller()],
    methods: {
      events: { on: [Get('events'), SseRoom('all')] },
      named: { on: [Get('named/:n'), SseRoom(({ params }) => ['all', ...roomsOf(Number(params.n))])] },
    },
  });
  class AppModule {}
  Module({
    imports: [SseModule.forRoot({ broker: redisBroker({ url, driver: 'ioredis', partitions }) })],
    controllers: [StreamController],
  })(AppModule);
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const sse = app.get(SseService);
  const calls = {
    port: () => app.getHttpServer().address().port,
    count: () => sse.count(),
    cpu: () => process.cpuUsage(),
    joinStorm: () =>
      Promise.all(Array.from(sse.clients(), (client) => client.join(`s/${numberOf(client) % STORM_ROOMS}`))),
    joinOwn: () =>
      Promise.all(
        Array.from(sse.clients()).flatMap((client) =>
          client.request.url.includes('session=')
            ? roomsOf(numberOf(client)).map((room) => client.join(room))
            : [],
        ),
      ),
    receive: (room) => void sse.stream(room).subscribe(),
    keep: ({ prefix, rooms }) =>
      Array.from({ length: rooms }, (_, n) => sse.stream(`${prefix}${n}`).subscribe()).length,
    publish: ({ prefix, rooms, text }) =>
      Promise.all(Array.from({ length: rooms }, (_, n) => sse.broadcast(`${prefix}${n}`, text))),
    all: (text) => sse.broadcast('all', text),
  };
  process.on('message', async ({ id, name, argument }) => {
    const result = await calls[name](argument);
    process.send({ id, result: Array.isArray(result) ? result.length : result });
  });
  process.on('disconnect', () => process.exit());
  process.send('ready');
}

/** A node in a process of its own. */
async function startNode(url) {
  const child = fork(new URL(import.meta.url), ['serve', url, PARTITIONS], { stdio: 'inherit' });
  await new Promise((resolve) => child.once('message', resolve));
  let last = 0;
  const waiting = new Map();
  child.on('message', ({ id, result }) => waiting.get(id)?.(result));
  const call = (name, argument) =>
    new Promise((resolve) => {
      waiting.set(++last, resolve);
      child.send({ id: last, name, argument });
    });
  return { call, port: await call('port'), stop: () => child.kill() };
}

/** A stream over a bare socket. `received` settles when `text` has arrived. */
function openStream(port, url, id) {
  const socket = connect(port, '127.0.0.1');
  const stream = { text: '', received: undefined, close: () => socket.destroy() };
  const waiting = [];
  socket.setEncoding('latin1');
  socket.on('error', () => {});
  socket.on('data', (part) => {
    stream.text += part;
    const isWhole = stream.text.endsWith('\n\r\n');
    for (const each of waiting) if (isWhole && stream.text.includes(each.text)) each.resolve();
  });
  stream.received = (text) =>
    new Promise((resolve) => {
      if (stream.text.includes(text)) resolve();
      else waiting.push({ text, resolve });
    });
  const resume = id === undefined ? '' : `Last-Event-ID: ${id}\r\n`;
  socket.write(`GET ${url} HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n${resume}\r\n`);
  return stream;
}

const lastIdOf = ({ text }) => [...text.matchAll(/^id: ?(\S+)/gm)].at(-1)?.[1];

async function untilEmpty(node) {
  while ((await node.call('count')) > 0) await sleep(20);
}

/** @returns CPU microseconds of the node for each resume */
async function resumeRound(node, kind, round) {
  const pathOf = (n) =>
    kind === 'session' ? `/events?session=session-of-round-${round}-${n}` : `/named/${n}`;
  const numbers = Array.from({ length: CLIENTS }, (_, n) => n);
  const first = numbers.map((n) => openStream(node.port, pathOf(n)));
  await Promise.all(first.map((stream) => stream.received('sse:ready')));
  if (kind === 'session') await node.call('joinOwn');
  await node.call('all', `begin ${round}`);
  await Promise.all(first.map((stream) => stream.received(`data: begin ${round}\n`)));
  const ids = first.map(lastIdOf);
  for (const stream of first) stream.close();
  await untilEmpty(node);
  await node.call('publish', { prefix: 'r/', rooms: ROOMS, text: `missed ${round}` });
  await node.call('all', `end ${round}`);
  const before = await node.call('cpu');
  const back = numbers.map((n) => openStream(node.port, pathOf(n), ids[n]));
  await Promise.all(back.map((stream) => stream.received(`data: end ${round}\n`)));
  const after = await node.call('cpu');
  for (const { text, close } of back) {
    if (text.split(`data: missed ${round}\n`).length - 1 !== ROOMS_OF_CLIENT || text.includes('sse:gap'))
      throw new Error(`A stream has not received exactly what it missed:\n${text}`);
    close();
  }
  await untilEmpty(node);
  return (after.user + after.system - before.user - before.system) / CLIENTS;
}

async function measureResumes(url) {
  const node = await startNode(url);
  await node.call('keep', { prefix: 'r/', rooms: ROOMS });
  const figures = { session: [], endpoint: [] };
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const kind of round % 2 === 0 ? ['session', 'endpoint'] : ['endpoint', 'session']) {
      const micros = await resumeRound(node, kind, round);
      if (round >= WARM_UP) figures[kind].push(micros);
    }
  }
  node.stop();
  const [session, endpoint] = [medianOf(figures.session), medianOf(figures.endpoint)];
  console.log(
    `resume with ${ROOMS_OF_CLIENT} rooms: of a session ${session.toFixed(0)} us, of the endpoint ${endpoint.toFixed(0)} us (${(session / endpoint).toFixed(2)})`,
  );
}

/** Calls of each command that clients have sent; those within scripts are not counted. */
async function callsOf(server) {
  const info = await server.command('INFO', 'commandstats');
  const names = ['evalsha', 'ssubscribe', 'sunsubscribe', 'zrangebyscore'];
  return Object.fromEntries(
    names.map((name) => [name, Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(info)?.[1] ?? 0)]),
  );
}

/** Opens many streams, some at a time: more would wait for the queue of connections of the kernel. */
async function openMany(numbers, open, isReady) {
  const streams = [];
  for (let n = 0; n < numbers.length; n += AT_ONCE) {
    const opened = numbers.slice(n, n + AT_ONCE).map(open);
    streams.push(...opened);
    await Promise.all(opened.map(isReady));
  }
  return streams;
}

async function measureStorm(server, isKnown) {
  const [one, two] = [await startNode(server.url), await startNode(server.url)];
  const numbers = Array.from({ length: SESSIONS }, (_, n) => n);
  const first = await openMany(numbers, (n) => openStream(one.port, path(n)), hasHeaders);
  await Promise.all(first.map((stream) => stream.received('sse:ready')));
  if (isKnown) {
    await two.call('keep', { prefix: 's/', rooms: STORM_ROOMS });
    await two.call('receive', 'all');
  }
  await one.call('joinStorm');
  await one.call('all', 'begin');
  await Promise.all(first.map((stream) => stream.received('data: begin\n')));
  const ids = first.map(lastIdOf);
  for (const stream of first) stream.close();
  await untilEmpty(one);
  await sleep(2_000);
  await one.call('publish', { prefix: 's/', rooms: STORM_ROOMS, text: 'missed' });
  await one.call('all', 'end');
  const before = await callsOf(server);
  const startedAt = performance.now();
  const back = await openMany(numbers, (n) => openStream(two.port, path(n), ids[n]), hasHeaders);
  await Promise.all(back.map((stream) => stream.received('data: end\n')));
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await callsOf(server);
  for (const [n, { text, close }] of back.entries()) {
    const isExact =
      text.split('data: missed\n').length === 2 && text.includes(`"restored":["s/${n % STORM_ROOMS}"]`);
    if (!isExact || text.includes('sse:gap')) throw new Error(`A stream has lost something:\n${text}`);
    close();
  }
  for (const node of [one, two]) node.stop();
  const counts = Object.entries(after).map(([name, count]) => [name, count - before[name]]);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  console.log(
    `${SESSIONS} sessions back, in ${isKnown ? 'known' : 'new'} rooms, after ${seconds.toFixed(1)} s, none with a gap, ${PARTITIONS} partitions: ${total} calls (one for ${(SESSIONS / total).toFixed(0)}), ` +
      counts.map(([name, count]) => `${name} ${count}`).join(', '),
  );
}

if (process.argv[2] === 'serve') {
  await serve(process.argv[3], Number(process.argv[4]));
} else {
  const measures = [
    ({ url }) => measureResumes(url),
    (server) => measureStorm(server, true),
    (server) => measureStorm(server, false),
  ];
  for (const measure of measures) {
    const server = await RedisServer.start();
    await measure(server);
    await server.close();
  }
}
