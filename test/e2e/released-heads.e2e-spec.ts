import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SseRoom } from 'nestjs-simple-sse';
import { SseExpressAdapter } from 'nestjs-simple-sse/express';
import { Writable } from 'node:stream';
import { express, fastify, platforms } from '../support/platforms.js';
import { RawSocket } from '../support/raw-socket.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import type { RunningApp } from '../support/running-app.js';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const raw = <T extends object>(wrapped: T): T => (wrapped as { raw?: T }).raw ?? wrapped;

@Controller()
class HeadsController {
  readonly exchanges: Exchange[] = [];

  @Get('events')
  @SseRoom('news')
  events(@Req() request: IncomingMessage, @Res({ passthrough: true }) response: ServerResponse): void {
    this.exchanges.push({ request: raw(request), response: raw(response) });
  }

  @Post('echo')
  echo(@Req() request: { body: unknown }): unknown {
    return { body: request.body };
  }
}

/** A middleware that sets a header of its own, one of the request, and one that has several values. */
function headers(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('X-Request-Id', String(request.headers['x-request-id']));
  response.setHeader('Set-Cookie', [`id=${String(request.headers['x-request-id'])}`, 'theme=dark']);
  next();
}

const configure = (app: INestApplication): unknown => app.use(headers);

const adapters = [
  ...platforms,
  {
    ...express,
    name: 'SseExpressAdapter',
    start: ((module, options) =>
      express.start(module, { ...options, adapter: new SseExpressAdapter() })) as typeof express.start,
  },
];

describe.each(adapters)('after the head of a stream is sent, on $name', (platform) => {
  let running: RunningApp;
  let exchanges: Exchange[];

  beforeEach(async () => {
    running = await platform.start(sseApp({ controllers: [HeadsController] }), { configure });
    ({ exchanges } = running.get(HeadsController));
  });
  afterEach(() => running.close());

  const listen = (id: string): ReturnType<RunningApp['listen']> =>
    running.listen('/events', { headers: { 'x-request-id': id, 'user-agent': `test ${id}` } });

  it('each response has its own status and headers, and refuses another one', async () => {
    const ids = ['1', '2', '3', '3'];
    for (const id of ids) await listen(id);
    for (const [index, { response }] of exchanges.entries()) {
      expect([response.statusCode, response.headersSent]).toEqual([200, true]);
      expect(response.getHeader('x-frame-options')).toBe('DENY');
      expect(response.getHeader('x-request-id')).toBe(ids[index]);
      expect(response.getHeaders()).toMatchObject({
        'content-type': 'text/event-stream',
        'set-cookie': [`id=${ids[index]}`, 'theme=dark'],
      });
      expect(() => response.setHeader('x-frame-options', 'SAMEORIGIN')).toThrow(/after they are sent/);
    }
  });

  it('each request has its own headers, without the list of them as they were received', async () => {
    for (const id of ['1', '2']) await listen(id);
    expect(exchanges.map(({ request }) => request.headers['user-agent'])).toEqual(['test 1', 'test 2']);
    expect(exchanges.map(({ request }) => request.headers['x-request-id'])).toEqual(['1', '2']);
    expect(exchanges.map(({ request }) => request.rawHeaders)).toEqual([[], []]);
    expect(exchanges.map(({ request }) => [request.url, request.method])).toEqual([
      ['/events', 'GET'],
      ['/events', 'GET'],
    ]);
  });

  it('a listener of the socket receives the bytes of its own client', async () => {
    await listen('1');
    const client = await RawSocket.connect(running.url);
    client.get('/events');
    await client.receives(/sse:ready/);
    const received = ['', ''];
    for (const [index, { request }] of exchanges.entries())
      request.socket.on('data', (bytes: Buffer) => (received[index] += bytes.toString()));
    client.write('more');
    await eventually(() => received[1] === 'more', 'the bytes');
    expect(received[0]).toBe('');
    client.destroy();
    await eventually(() => running.sse.count() === 1, 'the end of one client');
  });

  it('the next request of the connection has its body and all of its headers', async () => {
    const client = await RawSocket.connect(running.url);
    client.get('/events');
    await client.receives(/sse:ready/);
    for (const each of running.sse.clients()) each.close();
    await client.receives(/\r\n0\r\n\r\n/);
    const body = '{"a":1}';
    const lines = ['Content-Type: application/json', `Content-Length: ${body.length}`];
    client.write(`${['POST /echo HTTP/1.1', 'Host: localhost', ...lines].join('\r\n')}\r\n\r\n${body}`);
    await client.receives(/"a":1/);
    client.destroy();
  });
});

describe('the log of a request whose stream has ended', () => {
  it('has the status and the headers on Express, as a middleware reads them when the response has finished', async () => {
    const lines: unknown[] = [];
    const log = (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
      response.once('finish', () =>
        lines.push([
          [request.method, request.url, request.headers['user-agent']],
          [response.headersSent, response.statusCode, response.getHeader('x-frame-options')],
          response.getHeaders()['content-type'],
        ]),
      );
      next();
    };
    for (const adapter of [undefined, new SseExpressAdapter()]) {
      const running = await express.start(sseApp({ controllers: [HeadsController] }), {
        configure: (app) => app.use(log, headers),
        ...(adapter !== undefined && { adapter }),
      });
      await running.listen('/events?a=1', { headers: { 'x-request-id': '7', 'user-agent': 'test' } });
      for (const client of running.sse.clients()) client.close();
      await eventually(() => lines.length > 0, 'the line');
      expect(lines.splice(0)).toEqual([
        [['GET', '/events?a=1', 'test'], [true, 200, 'DENY'], 'text/event-stream'],
      ]);
      await running.close();
    }
  });

  it('has the status and the headers of the request, by pino on Fastify', async () => {
    const lines: { msg?: string; res?: unknown; req?: unknown }[] = [];
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        lines.push(JSON.parse(chunk.toString()) as object);
        done();
      },
    });
    const serializers = {
      req: ({ headers: own, url }: { headers: IncomingMessage['headers']; url: string }) => ({
        agent: own['user-agent'],
        url,
      }),
      res: (reply: { statusCode: number; request?: { headers: IncomingMessage['headers'] } }) => ({
        status: reply.statusCode,
        agent: reply.request?.headers['user-agent'],
      }),
    };
    const running = await fastify.start(sseApp({ controllers: [HeadsController] }), {
      adapter: new FastifyAdapter({ logger: { stream, serializers } as never }),
    });
    await running.listen('/events', { headers: { 'user-agent': 'test' } });
    for (const client of running.sse.clients()) client.close();
    await eventually(() => lines.some(({ msg }) => msg === 'request completed'), 'the line');
    expect(lines.find(({ msg }) => msg === 'request completed')?.res).toEqual({ status: 200, agent: 'test' });
    await running.close();
  });
});
