import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { compileApp } from '../support/compiled-app.js';
import { openStream, type EventStream } from '../support/event-stream.js';
import { within } from '../support/within.js';

/** A complete application, as a user would write it; the command line names its platform and task. */
const APPLICATION = `
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

/** Uses Fastify's own test client, without a socket; Jest cannot load it. */
async function inject(app: INestApplication): Promise<never> {
  await app.init();
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  const abort = new AbortController();
  const { signal } = abort;
  const response = await fastify.inject({ url: '/events', payloadAsStream: true, signal });
  const payload = response.stream().setEncoding('utf8').on('error', () => {});
  const sse = app.get(SseService, { strict: false });
  const reasons: string[] = [];
  sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  await sse.broadcast('lobby', 'live', 1);
  const [client] = [...sse.clients('lobby')];
  let received = '';
  if (ending === 'destroy') payload.destroy();
  else if (ending === 'abort') abort.abort();
  else {
    client.close();
    received = (await payload.toArray()).join('');
  }
  await client.closed;
  await new Promise((resolve) => setImmediate(resolve));
  const left = { clients: sse.count(), rooms: [...sse.rooms()] };
  console.log(JSON.stringify({ status: response.statusCode, received, reasons, left }));
  process.exit();
}

const [platform, task, ending] = process.argv.slice(2);
if (task === 'context') {
  const context = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const sse = context.get(SseService, { strict: false });
  sse.stream('lobby').subscribe();
  await sse.broadcast('lobby', 'n', 1);
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

/** Opens the stream of a process that listens. */
async function open(firstLine: Promise<string>): Promise<EventStream> {
  const url = /http:\S+/.exec(await within(firstLine, 'the first line of the process'))?.[0];
  return openStream(`${url}/events`);
}

describe.each(['express', 'fastify'])('a process of its own on %s', (platform) => {
  let compiledApp: ReturnType<typeof compileApp>;
  let child: ChildProcess | undefined;

  beforeAll(() => {
    compiledApp = compileApp(APPLICATION);
  });
  afterEach(() => void child?.kill('SIGKILL'));
  afterAll(() => compiledApp.remove());

  /** Starts the process; `firstLine` is the first line of its output. */
  function run(task: string, ...more: string[]): { exit: Promise<unknown[]>; firstLine: Promise<string> } {
    const started = spawn(process.execPath, [compiledApp.main, platform, task, ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child = started;
    const firstLine = once(started.stdout, 'data').then((words: unknown[]) => String(words[0]));
    return { exit: once(started, 'exit'), firstLine };
  }

  it('is not kept alive by the module in an application context', async () => {
    const { exit } = run('context');
    expect(await within(exit, 'the end of the process')).toEqual([0, null]);
  });

  it('ends by itself after app.close() with open streams', async () => {
    const { exit, firstLine } = run('close');
    const stream = await open(firstLine);
    expect(await within(exit, 'the end of the process')).toEqual([0, null]);
    expect(await stream.ended).toBe('whole');
  });

  it('ends on SIGTERM with open streams where shutdown hooks are enabled', async () => {
    const { exit, firstLine } = run('signal');
    const stream = await open(firstLine);
    child?.kill('SIGTERM');
    expect(await within(exit, 'the end of the process')).toEqual([null, 'SIGTERM']);
    expect(await stream.ended).toBe('whole');
  });

  it('outlives an unawaited broadcast that is refused', async () => {
    const { firstLine } = run('unawaited');
    const stream = await open(firstLine);
    expect(await stream.nextEvent()).toMatchObject({ event: 'alive' });
    stream.close();
  });

  if (platform === 'fastify') {
    it("is read by Fastify's inject({ payloadAsStream: true }), without a socket", async () => {
      const { firstLine } = run('inject', 'close');
      expect(JSON.parse(await within(firstLine, 'the answer of inject()'))).toEqual({
        status: 200,
        received: expect.stringContaining('event: live\ndata: 1\n'),
        reasons: ['closed'],
        left: { clients: 0, rooms: [] },
      });
    });

    it.each([
      ['destroys the payload', 'destroy'],
      ['aborts the signal', 'abort'],
    ])(
      'loses the client of an inject() whose reader %s, and disconnected$ emits it',
      async (_how, ending) => {
        const { firstLine } = run('inject', ending);
        expect(JSON.parse(await within(firstLine, 'the end of the client'))).toEqual({
          status: 200,
          received: '',
          reasons: ['client-gone'],
          left: { clients: 0, rooms: [] },
        });
      },
    );
  }
});
