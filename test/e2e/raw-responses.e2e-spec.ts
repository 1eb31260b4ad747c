import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseError, SseService, type SseClient } from 'nestjs-simple-sse';
import { CollectingLogger } from '../support/collecting-logger.js';
import { openStream, type EventStream } from '../support/event-stream.js';
import { allPlatforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { portOf } from '../support/port-of.js';
import { refusal, sseRefusal, unchecked } from '../support/refusal.js';
import { eventually } from '../support/within.js';
import type { INestApplicationContext } from '@nestjs/common';
import type { RunningApp } from '../support/running-app.js';

interface FastifyPart {
  raw: unknown;
}

/** Repeats a handler of simple-sse's README, in one turn. */
function welcome(sse: SseService, request: unknown, response: unknown): SseClient {
  const client = sse.add(unchecked<IncomingMessage>(request), unchecked<ServerResponse>(response));
  sse.setRetry(client, 4_000);
  sse.send(client, 'welcome', { id: client.id });
  void sse.join(client, 'lobby');
  void sse.broadcast('lobby', 'newcomer', client.id);
  return client;
}

async function expectWelcome(stream: EventStream, client: SseClient | undefined): Promise<void> {
  expect([stream.status, stream.isEventStream]).toEqual([200, true]);
  expect(await stream.nextEvent()).toMatchObject({ event: 'welcome', data: `{"id":"${client?.id}"}` });
  expect(await stream.nextEvent()).toMatchObject({ event: 'newcomer', data: client?.id });
  expect(stream.retries.at(-1)).toBe(4_000);
}

let latest: SseClient | undefined;
let refused: unknown;

@Controller()
class OwnResponseController {
  constructor(private readonly sse: SseService) {}

  /** Passes `@Req()` and `@Res()` unchanged: Express's own pair, or Fastify's request and reply. */
  @Get('own')
  own(@Req() request: unknown, @Res() response: unknown): void {
    latest = welcome(this.sse, request, response);
  }

  @Get('own-raw')
  ownRaw(@Req() request: FastifyPart, @Res() response: FastifyPart): void {
    latest = welcome(this.sse, request.raw ?? request, response.raw ?? response);
  }

  @Get('silent')
  silent(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    latest = this.sse.add(request, response);
  }

  @Get('after-the-answer')
  async afterTheAnswer(
    @Req() request: IncomingMessage,
    @Res() response: { send(body: string): unknown },
  ): Promise<void> {
    await response.send('already answered');
    refused = await refusal(() => this.sse.add(request, unchecked<ServerResponse>(response)));
  }
}

describe.each(allPlatforms)('add(request, response) on $name', (platform) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await platform.start(sseApp({ controllers: [OwnResponseController] }));
  });
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  it.each(['/own', '/own-raw'])('%s: setRetry, send and join right after it need no await', async (path) => {
    const stream = await running.listen(path);
    await expectWelcome(stream, latest);
    expect(latest?.in('lobby')).toBe(true);
  });

  it('sends the head at once', async () => {
    const stream = await running.listen('/silent');
    expect(stream.headers['cache-control']).toMatch(/\bno-transform\b/);
    expect(running.sse.count()).toBe(1);
  });

  it('forgets the client when its connection closes', async () => {
    const stream = await running.listen('/own');
    const client = latest;
    stream.close();
    expect(await client?.closed).toBe('client-gone');
    expect([running.sse.count(), [...running.sse.rooms()]]).toEqual([0, []]);
  });

  it('refuses a response that is sent already, and does not change it', async () => {
    refused = undefined;
    const answer = await running.open('/after-the-answer');
    expect(await answer.text()).toBe('already answered');
    await eventually(() => refused, 'the refusal');
    expect(refused).toBeInstanceOf(SseError);
    expect(running.sse.count()).toBe(0);
  });

  it('refuses what is no response at all', async () => {
    const wrong = unchecked<IncomingMessage & ServerResponse>({});
    await sseRefusal(() => running.sse.add(wrong, wrong));
    expect(running.sse.count()).toBe(0);
  });
});

describe('add(request, response) on a bare Node server', () => {
  let context: INestApplicationContext;
  let sse: SseService;
  let server: Server;
  let url: string;
  let client: SseClient | undefined;

  beforeAll(async () => {
    context = await NestFactory.createApplicationContext(sseApp({}), { logger: new CollectingLogger() });
    sse = context.get(SseService, { strict: false });
    server = createServer((request, response) => {
      response.setHeader('X-Powered-By', 'a handler of its own');
      client = welcome(sse, request, response);
      request.resume();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${portOf(server)}`;
  });
  afterAll(async () => {
    await context.close();
    server.closeAllConnections();
    server.close();
  });

  it('does all that simple-sse does: add, setRetry, send, join, broadcast, remove on disconnect', async () => {
    const first = await openStream(url);
    await expectWelcome(first, client);
    expect(first.headers['x-powered-by']).toBe('a handler of its own');
    const second = await openStream(url);
    await expectWelcome(second, client);
    expect(await first.nextEvent()).toMatchObject({ event: 'newcomer', data: client?.id });
    expect(sse.count('lobby')).toBe(2);
    for (const stream of [first, second]) stream.close();
    await eventually(() => sse.count() === 0, 'both forgotten');
    expect([...sse.rooms()]).toEqual([]);
  });

  it('a POST whose body is consumed keeps its stream', async () => {
    const stream = await openStream(url, { method: 'POST', body: 'x'.repeat(100_000) });
    await expectWelcome(stream, client);
    await new Promise((resolve) => setTimeout(resolve, 20));
    client?.send('still', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'still' });
    stream.close();
    await eventually(() => sse.count() === 0, 'the client forgotten');
  });
});
