/**
 * Measures what a run costs: 1,000 tokens with one follower, beside the same values that a handler sends itself as an
 * AsyncIterable. Both take turns in one server. Tokens come all at once, one in each turn of the event loop, or one every 2 ms,
 * as those of a fast model, on 20 streams at a time. Each other round begins with the run.
 * Prints CPU time of the server per token, as a ratio to the handler, and the bytes that both have sent for a token: an event of
 * a run has an id.
 *
 *   npm run build && node bench/runs.mjs [--only burst|turns|timed] [--cpu-prof <folder>]
 */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { answerCommands, ChildProcess } from './lib/rpc.mjs';
import { median } from './lib/statistics.mjs';
import { decorate } from './peers/decorate.mjs';
import { CpuProfile } from './server/cpu-profile.mjs';

const ROUNDS = 9;
const STREAMS_PER_ROUND = 20;
const TOKENS = 1_000;
const PACES = ['burst', 'turns', 'timed'];
const WARM_UP = 3;
const FILE = new URL(import.meta.url);

const root = createRequire(new URL('../package.json', import.meta.url));
root('reflect-metadata');

async function* tokens(pace) {
  for (let n = 0; n < TOKENS; n++) {
    if (pace === 'turns') await new Promise(setImmediate);
    if (pace === 'timed') await sleep(2);
    yield { event: 'token', data: `token ${n}` };
  }
}

async function startServer() {
  const { SseModule, SseRoom, SseRun } = await import('../dist/index.js');
  const { NestFactory } = root('@nestjs/core');
  const { Controller, Get, Module } = root('@nestjs/common');
  let run = 0;
  class StreamController {}
  const methods = {};
  for (const name of PACES.flatMap((pace) => [`handler-${pace}`, `run-${pace}`])) {
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
  return app.getHttpServer().address().port;
}

function serve() {
  let profile;
  answerCommands({
    start: startServer,
    micros: () => process.cpuUsage().user + process.cpuUsage().system,
    profileStart: () => (profile = new CpuProfile()).start(),
    profileStop: ({ file }) => profile.stop(file),
  });
}

/** Reads a stream to its end, which must have all tokens. @returns its bytes */
async function read(url) {
  const text = await (await fetch(url)).text();
  const received = text.split('event: token\n').length - 1;
  if (received !== TOKENS) throw new Error(`${url} sent ${received} tokens`);
  return Buffer.byteLength(text);
}

/** Reads the streams of one round. @returns CPU time in microseconds and bytes, per token */
async function playRound(child, url, isAtOnce) {
  const before = await child.call('micros');
  let bytes = 0;
  const streams = Array.from({ length: STREAMS_PER_ROUND }, () => url);
  if (isAtOnce) bytes = (await Promise.all(streams.map(read))).reduce((sum, one) => sum + one);
  else for (const stream of streams) bytes += await read(stream);
  const tokenCount = STREAMS_PER_ROUND * TOKENS;
  return { micros: ((await child.call('micros')) - before) / tokenCount, bytes: bytes / tokenCount };
}

function figures(played) {
  const micros = median(played.map((each) => each.micros));
  return `${micros.toFixed(2)} us and ${played[0].bytes.toFixed(0)} bytes per token`;
}

async function measurePace(child, port, pace) {
  const rounds = { handler: [], run: [] };
  const kinds = Object.keys(rounds);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      const url = `http://127.0.0.1:${port}/${kind}-${pace}`;
      const played = await playRound(child, url, pace === 'timed');
      if (round >= 0) rounds[kind].push(played);
    }
  }
  const { handler, run } = rounds;
  const ratio = median(run.map(({ micros }, round) => micros / handler[round].micros));
  console.log(`${pace}: handler ${figures(handler)}, run ${figures(run)} (${ratio.toFixed(2)})`);
}

/** Profiles one kind at a time, after a warm-up. */
async function profilePace(child, port, pace, folder) {
  for (const kind of ['handler', 'run']) {
    const play = () => playRound(child, `http://127.0.0.1:${port}/${kind}-${pace}`, pace === 'timed');
    await play();
    await child.call('profileStart');
    for (let round = 0; round < 3; round++) await play();
    const top = await child.call('profileStop', { file: `${folder}/${kind}-${pace}.cpuprofile` });
    console.log(`\n${kind}-${pace}\n${top.join('\n')}`);
  }
}

async function measure() {
  const options = { only: { type: 'string', default: '' }, 'cpu-prof': { type: 'string' } };
  const { values } = parseArgs({ options });
  const child = new ChildProcess('server', FILE, { env: { BENCH_ROLE: 'server' } });
  const port = await child.call('start');
  for (const pace of PACES) {
    if (!pace.includes(values.only)) continue;
    if (values['cpu-prof'] === undefined) await measurePace(child, port, pace);
    else await profilePace(child, port, pace, values['cpu-prof']);
  }
  await child.stop();
}

await (process.env.BENCH_ROLE === 'server' ? serve() : measure());
