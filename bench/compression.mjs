/**
 * Measures what a compressed delivery costs: an endpoint with `compress: true`, and one behind the middleware compression(),
 * beside the same endpoint without compression. The three take turns in one server, so that a slow moment of the machine meets
 * all of them. Prints CPU time of the server per delivery and bytes per event, as ratios to the plain endpoint.
 *
 *   npm run build && node bench/compression.mjs
 */
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './lib/statistics.mjs';
import { decorate } from './peers/decorate.mjs';

const CLIENTS = { plain: 1_000, shared: 1_000, middleware: 200 };
const ROUNDS = 15;
const EVENTS_PER_ROUND = 20;
/** Between two publishes, so that each is a write of its own. */
const PAUSE_MS = 10;

const root = createRequire(new URL('../package.json', import.meta.url));
root('reflect-metadata');

/** An event of about 1 KB of JSON, as a list of orders has it. */
function event(seq) {
  const orders = Array.from({ length: 9 }, (_, n) => ({
    id: 48_211 + 17 * n + seq,
    customer: `customer-${(seq * 31 + n * 7) % 1_000}`,
    total: ((seq * 7_919 + n * 104_729) % 100_000) / 100,
    currency: 'EUR',
    status: ['paid', 'shipped', 'returned'][(seq + n) % 3],
    updatedAt: new Date(1.79e12 + seq * 1_000 + n).toISOString(),
  }));
  return { orders };
}

async function serve() {
  const { SseModule, SseRoom, SseService } = await import('../dist/index.js');
  const { NestFactory } = root('@nestjs/core');
  const { Controller, Get, Header, Module } = root('@nestjs/common');
  class StreamController {
    plain() {}
    shared() {}
    middleware() {}
  }
  decorate(StreamController, {
    on: [Controller()],
    methods: {
      plain: { on: [Get('plain'), SseRoom('plain')] },
      shared: { on: [Get('shared'), SseRoom('shared', { compress: true })] },
      middleware: { on: [Get('middleware'), Header('Cache-Control', 'no-cache'), SseRoom('middleware')] },
    },
  });
  class AppModule {}
  Module({ imports: [SseModule.forRoot({ heartbeatIntervalMs: false })], controllers: [StreamController] })(
    AppModule,
  );
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  app.use(root('compression')());
  await app.listen(0, '127.0.0.1');
  const sse = app.get(SseService);
  let seq = 0;
  const commands = {
    count: (room) => sse.count(room),
    async publish(room) {
      const before = process.cpuUsage();
      for (let n = 0; n < EVENTS_PER_ROUND; n++) {
        await sse.broadcast(room, 'orders', event(seq++));
        await sleep(PAUSE_MS);
      }
      await sleep(10 * PAUSE_MS);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    },
  };
  process.on('message', async ({ command, room }) => process.send(await commands[command](room)));
  process.on('disconnect', () => process.exit());
  process.send(app.getHttpServer().address().port);
}

/** Opens a stream that reads everything, and adds what it reads to `received`. */
function open(port, name, received) {
  const socket = connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer: Buffer.alloc(16_384),
      callback: (bytes) => {
        received[name] += bytes;
        return true;
      },
    },
  });
  socket.write(`GET /${name} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n`);
  return socket;
}

async function measure() {
  const child = fork(new URL(import.meta.url), ['serve'], { stdio: 'inherit' });
  const answer = () => new Promise((resolve) => child.once('message', resolve));
  const ask = (command, room) => {
    const answered = answer();
    child.send({ command, room });
    return answered;
  };
  const port = await answer();
  const received = { plain: 0, shared: 0, middleware: 0 };
  const names = Object.keys(CLIENTS);
  const sockets = [];
  for (const name of names) {
    for (let n = 0; n < CLIENTS[name]; n++) sockets.push(open(port, name, received));
    while ((await ask('count', name)) < CLIENTS[name]) await sleep(20);
  }
  const cpu = { plain: [], shared: [], middleware: [] };
  const bytes = { plain: 0, shared: 0, middleware: 0 };
  for (let round = -2; round < ROUNDS; round++) {
    for (const name of names) {
      const before = received[name];
      const micros = await ask('publish', name);
      await sleep(50);
      if (round < 0) continue;
      const deliveries = CLIENTS[name] * EVENTS_PER_ROUND;
      cpu[name].push(micros / deliveries);
      bytes[name] += (received[name] - before) / deliveries / ROUNDS;
    }
  }
  for (const name of names) {
    const ratios = cpu[name].map((micros, round) => micros / cpu.plain[round]);
    console.log(
      `${name}: ${median(cpu[name]).toFixed(1)} us per delivery (${median(ratios).toFixed(2)}), ` +
        `${bytes[name].toFixed(0)} bytes per event (${(bytes[name] / bytes.plain).toFixed(2)})`,
    );
  }
  for (const socket of sockets) socket.destroy();
  child.disconnect();
}

await (process.argv[2] === 'serve' ? serve() : measure());
