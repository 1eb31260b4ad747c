/**
 * Measures what followers of runs see, and what runs keep.
 *
 * - `first`: the first token of a run, from its producer at one node through Redis to a client of another, which waits for the run;
 *   beside a bare PUBLISH to a subscriber that writes to a bare socket, over the same library, in turns.
 * - `many`: memory of one node with many runs at once and three followers each, after full collections while tokens go on.
 *
 *   npm run build && node bench/run-followers.mjs [--only first|many] [--runs 1000] [--seconds 30] [--classes]
 */
import { connect, createServer } from 'node:net';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RedisServer } from './lib/redis-server.mjs';
import { answerCommands, ChildProcess } from './lib/rpc.mjs';
import { percentile } from './lib/statistics.mjs';
import { decorate } from './peers/decorate.mjs';
import { heapByConstructor } from './server/heap-snapshot.mjs';
import { memory } from './server/usage.mjs';

const FILE = new URL(import.meta.url);
const ROUNDS = 300;
const WARM_UP = 50;
const SAMPLES = 6;
/** Events that a run of `many` stores: fewer than it has, so that what is stored does not grow. */
const STORED = 10;
const TOKEN_MS = 500;
const FOLLOWERS = 3;
/** Classes of fewer bytes for each run are not listed. */
const LISTED_BYTES = 64;

const root = createRequire(new URL('../package.json', import.meta.url));
root('reflect-metadata');

async function brokerOf({ driver, url }) {
  if (url === undefined) return {};
  const { redisBroker } = await import('../dist/redis.js');
  return { broker: redisBroker({ url, driver }) };
}

/** A node with one route, which follows the run of its name. */
async function startNode(redis) {
  const { SseModule, SseRunTail, SseService } = await import('../dist/index.js');
  const { NestFactory } = root('@nestjs/core');
  const { Controller, Get, Module } = root('@nestjs/common');
  class TailController {
    tail() {}
  }
  const tail = { on: [Get('runs/:id'), SseRunTail(':id', { whenMissing: 'wait' })] };
  decorate(TailController, { on: [Controller()], methods: { tail } });
  class AppModule {}
  const options = { ...(await brokerOf(redis)), heartbeatIntervalMs: false };
  Module({ imports: [SseModule.forRoot(options)], controllers: [TailController] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  return { app, runs: app.get(SseService).runs, port: app.getHttpServer().address().port };
}

/** A bare subscriber, which writes each message to all sockets. */
async function startBare({ driver, url }) {
  const sockets = new Set();
  const write = (text) => sockets.forEach((socket) => socket.write(text));
  if (driver === 'ioredis') {
    const subscriber = new (root('ioredis').Redis)(url);
    subscriber.on('message', (_channel, text) => write(text));
    await subscriber.subscribe('bare');
  } else {
    const subscriber = root('redis').createClient({ url });
    await subscriber.connect();
    await subscriber.subscribe('bare', write);
  }
  const server = createServer((socket) => sockets.add(socket.setNoDelay()));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

async function publisherOf({ driver, url }) {
  if (driver === 'ioredis') return new (root('ioredis').Redis)(url);
  return root('redis').createClient({ url }).connect();
}

async function* tokensOf(count) {
  for (let n = 0; n < count; n++) {
    await sleep(TOKEN_MS);
    yield `token ${n}`;
  }
}

function serve() {
  let node;
  answerCommands({
    async start(redis) {
      node = await startNode(redis);
      return { port: node.port, barePort: redis.url && (await startBare(redis)) };
    },
    async startRuns({ count, tokens }) {
      const bounds = { maxEvents: STORED, keepMs: 5_000 };
      for (let n = 0; n < count; n++) await node.runs.start(`r${n}`, () => tokensOf(tokens), bounds);
    },
    memory,
    heapByConstructor,
  });
}

/** Opens a socket that calls `onText` with what it receives. */
function open(port, path, onText) {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay().setEncoding('latin1').on('data', onText).on('error', onText);
  if (path !== undefined) socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  return socket;
}

/** Milliseconds from the producer's value to the client of the other node. */
async function firstToken(runs, port, name) {
  const ready = deferred();
  const arrived = deferred();
  const socket = open(port, `/runs/${name}`, (text) => {
    if (`${text}`.includes('sse:ready')) ready.resolve();
    if (`${text}`.includes('data: token')) arrived.resolve(performance.now());
  });
  await ready.promise;
  let startMs;
  await runs.start(name, async function* () {
    // The start itself has reached the follower by then.
    await sleep(20);
    startMs = performance.now();
    yield 'token';
    await arrived.promise;
  });
  const endMs = await arrived.promise;
  socket.destroy();
  return endMs - startMs;
}

function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}

async function measureFirst(driver) {
  const server = await RedisServer.start();
  const redis = { driver, url: server.url };
  const child = new ChildProcess('follower', FILE, { env: { BENCH_ROLE: 'server' } });
  const { port, barePort } = await child.call('start', redis);
  const { app, runs } = await startNode(redis);
  const publisher = await publisherOf(redis);
  let onBare;
  const bareSocket = open(barePort, undefined, () => onBare?.());
  await sleep(200);
  const times = { bare: [], run: [] };
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    await sleep(20);
    const arrived = deferred();
    onBare = () => arrived.resolve(performance.now());
    const startMs = performance.now();
    void publisher.publish('bare', 'data: token\n\n');
    const bare = (await arrived.promise) - startMs;
    const run = await firstToken(runs, port, `run-${round}`);
    if (round < WARM_UP) continue;
    times.bare.push(bare);
    times.run.push(run);
  }
  const at = (name, part) =>
    percentile(
      times[name].toSorted((a, b) => a - b),
      part,
    );
  const ratio = (at('run', 0.5) / at('bare', 0.5)).toFixed(2);
  const figures = (name) => `p50 ${at(name, 0.5).toFixed(2)} ms, p95 ${at(name, 0.95).toFixed(2)} ms`;
  console.log(`${driver}: bare PUBLISH ${figures('bare')}; first token ${figures('run')} (${ratio})`);
  bareSocket.destroy();
  await child.stop();
  await app.close();
  publisher.disconnect?.();
  await server.close();
}

async function measureMany({ count, seconds, classes }) {
  const options = { execArgv: ['--expose-gc'], env: { BENCH_ROLE: 'server' } };
  const child = new ChildProcess('node', FILE, options);
  const { port } = await child.call('start', {});
  const empty = await child.call(classes ? 'heapByConstructor' : 'memory');
  let received = 0;
  const sockets = [];
  for (let n = 0; n < count * FOLLOWERS; n++) {
    const opened = deferred();
    const onText = (text) => {
      opened.resolve();
      received += `${text}`.split('data: token').length - 1;
    };
    sockets.push(open(port, `/runs/r${n % count}`, onText));
    if (n % 50 === 0) await opened.promise;
  }
  await child.call('startRuns', { count, tokens: (2 * seconds * 1_000) / TOKEN_MS });
  // From then on each run stores as many events as it may.
  await sleep(2 * STORED * TOKEN_MS);
  if (classes) printClasses(empty, await child.call('heapByConstructor'), count);
  const samples = classes ? 0 : SAMPLES;
  for (let sample = 0; sample < samples; sample++) {
    const { heapUsed, rss } = await child.call('memory');
    const heap = ((heapUsed - empty.heapUsed) / count / 1024).toFixed(1);
    const resident = (rss / 2 ** 20).toFixed(0);
    console.log(
      `${count} runs, ${received} tokens received: heap ${heap} KB for each run, resident ${resident} MB`,
    );
    await sleep((seconds * 1_000) / SAMPLES);
  }
  for (const socket of sockets) socket.destroy();
  await child.stop();
}

function printClasses(before, now, count) {
  for (const [name, { bytes, count: all }] of Object.entries(now)) {
    const grown = (bytes - (before[name]?.bytes ?? 0)) / count;
    const objects = (all - (before[name]?.count ?? 0)) / count;
    if (grown >= LISTED_BYTES) console.log(`${grown.toFixed(0)} bytes in ${objects.toFixed(1)} ${name}`);
  }
}

async function measure() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      runs: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '30' },
      classes: { type: 'boolean', default: false },
    },
  });
  const { only, classes } = values;
  if ('first'.includes(only)) for (const driver of ['redis', 'ioredis']) await measureFirst(driver);
  if ('many'.includes(only))
    await measureMany({ count: Number(values.runs), seconds: Number(values.seconds), classes });
  process.exit();
}

await (process.env.BENCH_ROLE === 'server' ? serve() : measure());
