/**
 * Measures how long a join of another node's client takes until it is acknowledged, beside a bare PUBLISH and its answer over
 * the same library. Both take turns in one run, with one redis-server and one second process. Prints one line for each library.
 *
 *   npm run build && node bench/join.mjs
 *
 * `known` is a room that the other node receives already, for another stream; `new` one that it has to subscribe first. The other
 * two are joined by the key of a session, which is stored before the answer.
 */
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { get } from 'node:http';
import { RedisServer } from './lib/redis-server.mjs';
import { percentile } from './lib/statistics.mjs';
import { decorate } from './peers/decorate.mjs';

const ROUNDS = 400;
const WARM_UP = 50;

const root = createRequire(new URL('../package.json', import.meta.url));
root('reflect-metadata');
const [driver = '', url = ''] = process.argv.slice(2);

/** A subscriber and a publisher over one library, with the same interface. */
async function pairOf() {
  if (driver === 'ioredis') {
    const { Redis } = root('ioredis');
    const [publisher, subscriber] = [new Redis(url), new Redis(url)];
    return {
      publish: (channel, text) => publisher.publish(channel, text),
      async subscribe(channel, listener) {
        subscriber.on('message', (of, text) => of === channel && listener(text));
        await subscriber.subscribe(channel);
      },
    };
  }
  const { createClient } = root('redis');
  const [publisher, subscriber] = [createClient({ url }), createClient({ url })];
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return {
    publish: (channel, text) => publisher.publish(channel, text),
    subscribe: (channel, listener) => subscriber.subscribe(channel, listener),
  };
}

async function moduleOptions() {
  const { redisBroker } = await import('../dist/redis.js');
  return { broker: redisBroker({ url, driver }) };
}

/** The process with the client: a node with one stream, and the answers to bare messages. */
async function serve() {
  const { SseModule, SseRoom } = await import('../dist/index.js');
  const { NestFactory } = root('@nestjs/core');
  const { Controller, Get, Module } = root('@nestjs/common');
  class StreamController {
    events() {}
  }
  decorate(StreamController, {
    on: [Controller()],
    methods: { events: { on: [Get('events'), SseRoom('all')] } },
  });
  class AppModule {}
  Module({ imports: [SseModule.forRoot(await moduleOptions())], controllers: [StreamController] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const pair = await pairOf();
  await pair.subscribe('ask', (text) => void pair.publish('answer', text));
  process.send(app.getHttpServer().address().port);
  process.on('disconnect', () => process.exit());
}

/** The id of a new client, from its `sse:ready`. */
function openStream(port, query = '') {
  return new Promise((resolve, reject) => {
    let text = '';
    get({ port, host: '127.0.0.1', path: `/events${query}` }, (response) =>
      response.on('data', (part) => {
        text += part;
        const id = /"clientId":"([^"]+)"/.exec(text)?.[1];
        if (id !== undefined) resolve(id);
      }),
    ).on('error', reject);
  });
}

/** Joins, and bare messages, in turns. */
async function measure() {
  const { SseModule, SseService } = await import('../dist/index.js');
  const { NestFactory } = root('@nestjs/core');
  const { Module } = root('@nestjs/common');
  const child = fork(new URL(import.meta.url), [driver, url, 'serve'], { stdio: 'inherit' });
  const port = await new Promise((resolve) => child.once('message', resolve));
  const session = 'session-of-the-bench';
  const [other, client] = [await openStream(port), await openStream(port)];
  await openStream(port, `?session=${session}`);
  class AppModule {}
  Module({ imports: [SseModule.forRoot(await moduleOptions())] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  const sse = app.get(SseService);
  const pair = await pairOf();
  const waiting = new Map();
  await pair.subscribe('answer', (text) => waiting.get(text)?.());
  const subjects = {
    bare: (round) =>
      new Promise((resolve) => {
        waiting.set(`${round}`, resolve);
        void pair.publish('ask', `${round}`);
      }),
    known: () => sse.join(client, 'known'),
    new: (round) => sse.join(client, `room/${round}`),
    leave: (round) => sse.leave(client, `room/${round}`),
    sessionKnown: () => sse.join({ session }, 'known'),
    sessionNew: (round) => sse.join({ session }, `session/${round}`),
  };
  await sse.join(other, 'known');
  const times = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const [name, run] of Object.entries(subjects)) {
      const startedAt = performance.now();
      await run(round);
      if (round >= WARM_UP) times[name].push(performance.now() - startedAt);
    }
    await sse.leave(client, 'known');
    await sse.leave({ session }, '*');
  }
  const p50 = (name) =>
    percentile(
      times[name].toSorted((a, b) => a - b),
      0.5,
    );
  const figure = (name) => `${name} ${p50(name).toFixed(2)} ms (${(p50(name) / p50('bare')).toFixed(2)})`;
  console.log(
    `${driver}: bare ${p50('bare').toFixed(2)} ms, ${Object.keys(subjects).slice(1).map(figure).join(', ')}`,
  );
  child.disconnect();
  await app.close();
  process.exit();
}

if (process.argv[4] === 'serve') {
  await serve();
} else if (driver !== '') {
  await measure();
} else {
  for (const library of ['redis', 'ioredis']) {
    const server = await RedisServer.start();
    const run = fork(new URL(import.meta.url), [library, server.url], { stdio: 'inherit' });
    await new Promise((resolve) => run.once('exit', resolve));
    await server.close();
  }
}
