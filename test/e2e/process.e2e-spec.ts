import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { compileApp } from '../support/compiled-app.js';
import { openStream, type EventStream } from '../support/event-stream.js';
import { within } from '../support/within.js';

/** A whole application, as a user would write it; what it shall do comes on the command line. */
const application = `
import 'reflect-metadata';
import { Controller, Get, Module, type INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SseModule, SseRoom, SseService } from 'nestjs-simple-sse';

@Controller()
class AppController {
  @Get('events')
  @SseRoom('lobby')
  events(): void {}
}

@Module({ imports: [SseModule.forRoot({ heartbeatIntervalMs: 20 })], controllers: [AppController] })
class AppModule {}

/** Fastify's own test client, without a socket; Jest cannot load it. */
async function inject(app: INestApplication): Promise<never> {
  await app.init();
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  const response = await fastify.inject({ url: '/events', payloadAsStream: true });
  const sse = app.get(SseService, { strict: false });
  await sse.broadcast('lobby', 'live', 1);
  const [client] = [...sse.clients('lobby')];
  client.close();
  const chunks = await response.stream().setEncoding('utf8').toArray();
  console.log(response.statusCode + ' ' + JSON.stringify(chunks.join('')) + ' ' + (await client.closed));
  process.exit();
}

const [platform, task] = process.argv.slice(2);
if (task === 'context') {
  const context = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const sse = context.get(SseService, { strict: false });
  sse.stream('lobby').subscribe();
  await sse.broadcast('lobby', 'nobody', 'hears');
} else {
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = await NestFactory.create(AppModule, adapter, { logger: false });
  if (task === 'signal') app.enableShutdownHooks();
  if (task === 'inject') await inject(app);
  await app.listen(0, '127.0.0.1');
  console.log('listening on ' + (await app.getUrl()));
  const sse = app.get(SseService, { strict: false });
  if (task === 'close') sse.connected$.subscribe(() => setTimeout(() => void app.close(), 60));
  if (task === 'unawaited') {
    sse.connected$.subscribe(({ client }) => {
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      void sse.broadcast('lobby', 'named', circular);
      setTimeout(() => client.send('alive', 1), 30);
    });
  }
}
`;

/** The stream of a process that listens. */
async function open(said: Promise<string>): Promise<EventStream> {
  const url = /http:\S+/.exec(await within(said, 'the first line of the process'))?.[0];
  return openStream(`${url}/events`);
}

describe.each(['express', 'fastify'])('a process of its own on %s', (platform) => {
  let compiledApp: ReturnType<typeof compileApp>;
  let child: ChildProcess | undefined;

  beforeAll(() => {
    compiledApp = compileApp(application);
  });
  afterEach(() => void child?.kill('SIGKILL'));
  afterAll(() => compiledApp.remove());

  /** Starts the process; `said` is its first line. */
  function run(task: string): { exit: Promise<unknown[]>; said: Promise<string> } {
    const started = spawn(process.execPath, [compiledApp.main, platform, task], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child = started;
    const said = once(started.stdout, 'data').then((words: unknown[]) => String(words[0]));
    return { exit: once(started, 'exit'), said };
  }

  it('no handle of the module keeps an application context alive', async () => {
    const { exit } = run('context');
    expect(await within(exit, 'the end of the process')).toEqual([0, null]);
  });

  it('ends by itself after app.close() with open streams', async () => {
    const { exit, said } = run('close');
    const stream = await open(said);
    expect(await within(exit, 'the end of the process')).toEqual([0, null]);
    expect(await stream.ended).toBe('whole');
  });

  it('ends on SIGTERM with open streams where shutdown hooks are enabled', async () => {
    const { exit, said } = run('signal');
    const stream = await open(said);
    child?.kill('SIGTERM');
    expect(await within(exit, 'the end of the process')).toEqual([null, 'SIGTERM']);
    expect(await stream.ended).toBe('whole');
  });

  it('outlives an unawaited broadcast that is refused', async () => {
    const { said } = run('unawaited');
    const stream = await open(said);
    expect(await stream.nextEvent()).toMatchObject({ event: 'alive' });
    stream.close();
  });

  if (platform === 'fastify') {
    it("is read by Fastify's inject({ payloadAsStream: true }), without a socket", async () => {
      const { said } = run('inject');
      const words = await within(said, 'the answer of inject()');
      expect(words).toMatch(/^200 "/);
      expect(words).toContain(String.raw`event: live\ndata: 1\n`);
      expect(words.trimEnd()).toMatch(/ closed$/);
    });
  }
});
