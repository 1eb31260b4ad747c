/**
 * Measures what a run costs: 1,000 tokens with one follower, beside the same values that a handler sends itself as an
 * AsyncIterable. Both take turns in one server. Tokens come all at once, one in each turn of the event loop, or one every 2 ms,
 * as those of a fast model, on 20 streams at a time.
 * Prints CPU time of the server per token, as a ratio to the handler.
 *
 *   npm run build && node bench/runs.mjs
 */
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './lib/statistics.mjs';
import { decorate } from './peers/decorate.mjs';

const ROUNDS = 9;
const STREAMS_PER_ROUND = 20;
const TOKENS = 1_000;
const PACES = ['burst', 'turns', 'timed'];
const NAMES = PACES.flatMap((pace) => [`handler-${pace}`, `run-${pace}`]);

const root = createRequire(new URL('../package.json', import.meta.url));
root('reflect-metadata');

async function* tokens(pace) {
  for (let n = 0; n < TOKENS; n++) {
    if (pace === 'turns') await new Promise(setImmediate);
    if (pace === 'timed') await sleep(2);
    yield { event: 'token', data: `token ${n}` };
  }
}

async function serve() {
  const { SseModule, SseRoom, SseRun } = await import('../dist/index.js');
  const { NestFactory } = root('@nestjs/core');
  const { Controller, Get, Module } = root('@nestjs/common');
  let run = 0;
  class StreamController {}
  const methods = {};
  for (const name of NAMES) {
    const pace = name.split('-')[1];
    Object.defineProperty(StreamController.prototype, name, {
      value: () => tokens(pace),
      configurable: true,
      writable: true,
    });
    const stream = name.startsWith('run') ? SseRun(() => `run ${run++}`, { keepMs: 5_000 }) : SseRoom();
    methods[name] = { on: [Get(name), stream] };
  }
  decorate(StreamController, { on: [Controller()], methods });
  class AppModule {}
  Module({ imports: [SseModule.forRoot({ heartbeatIntervalMs: false })], controllers: [StreamController] })(
    AppModule,
  );
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send(user + system);
  });
  process.on('disconnect', () => process.exit());
  process.send(app.getHttpServer().address().port);
}

/** Reads a stream to its end, which must have all tokens. */
async function read(url) {
  const text = await (await fetch(url)).text();
  const received = text.split('event: token\n').length - 1;
  if (received !== TOKENS) throw new Error(`${url} sent ${received} tokens`);
}

async function measure() {
  const child = fork(new URL(import.meta.url), ['serve'], { stdio: 'inherit' });
  const answer = () => new Promise((resolve) => child.once('message', resolve));
  const usage = () => {
    const answered = answer();
    child.send('usage');
    return answered;
  };
  const port = await answer();
  const cpu = Object.fromEntries(NAMES.map((name) => [name, []]));
  for (let round = -3; round < ROUNDS; round++) {
    for (const name of NAMES) {
      const before = await usage();
      const streams = Array.from({ length: STREAMS_PER_ROUND }, () => `http://127.0.0.1:${port}/${name}`);
      if (name.endsWith('timed')) await Promise.all(streams.map(read));
      else for (const url of streams) await read(url);
      if (round >= 0) cpu[name].push(((await usage()) - before) / STREAMS_PER_ROUND / TOKENS);
    }
  }
  for (const pace of PACES) {
    const [handler, run] = [cpu[`handler-${pace}`], cpu[`run-${pace}`]];
    const ratio = median(run.map((micros, round) => micros / handler[round]));
    console.log(
      `${pace}: handler ${median(handler).toFixed(2)} us per token, run ${median(run).toFixed(2)} us (${ratio.toFixed(2)})`,
    );
  }
  child.disconnect();
}

await (process.argv[2] === 'serve' ? serve() : measure());
