import { Controller, Get, Post, SseSignal, UnauthorizedException, UseGuards } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import compression from 'compression';
import { SseRoom } from 'nestjs-simple-sse';
import { Observable } from 'rxjs';
import { testApp, connectClient } from '../support/test.controller.js';
import { allPlatforms, express, fastify, platforms } from '../support/platforms.js';
import { RawSocket } from '../support/raw-socket.js';
import { unchecked } from '../support/refusal.js';
import { eventually, pause, someTurns } from '../support/within.js';
import { unchunked } from '../protocol/unchunked.js';
import type { Server } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { CanActivate, INestApplication } from '@nestjs/common';
import type { RunningApp } from '../support/running-app.js';

const slow = { started: 0, go: () => {}, subscribed: 0, unsubscribed: 0, aborted: false };

class DoorGuard implements CanActivate {
  canActivate(): boolean {
    throw new UnauthorizedException();
  }
}

@Controller()
class ConnectionController {
  @Get('slow')
  @SseRoom('lobby')
  async slow(@SseSignal() signal: AbortSignal): Promise<Observable<string>> {
    signal.addEventListener('abort', () => (slow.aborted = true));
    slow.started++;
    await new Promise<void>((resolve) => (slow.go = resolve));
    return new Observable(() => {
      slow.subscribed++;
      return () => void slow.unsubscribed++;
    });
  }

  @Get('locked')
  @UseGuards(DoorGuard)
  @SseRoom('lobby')
  locked(): void {}

  @Post('upload')
  @SseRoom('lobby')
  upload(): void {}

  @Get('ordinary')
  ordinary(): string {
    return 'ordinary';
  }
}

describe.each(platforms)('an unusual connection on $name:', (platform) => {
  let running: RunningApp;
  let socket: RawSocket;

  beforeAll(async () => {
    running = await platform.start(
      testApp({ options: { heartbeatIntervalMs: 20 }, controllers: [ConnectionController] }),
    );
  });
  beforeEach(async () => {
    socket = await RawSocket.connect(running.url);
    Object.assign(slow, { started: 0, subscribed: 0, unsubscribed: 0, aborted: false });
  });
  afterEach(async () => {
    socket.destroy();
    await running.disconnectAll();
    expect([...running.sse.rooms()]).toEqual([]);
  });
  afterAll(() => running.close());

  it.each(['destroy', 'reset'] as const)(
    'a client that disconnects (%s) while the handler runs leaves nothing running',
    async (how) => {
      socket.get('/slow');
      await eventually(() => slow.started === 1, 'the handler');
      socket[how]();
      await eventually(() => slow.aborted, 'the signal');
      slow.go();
      await someTurns();
      await pause(20);
      expect(slow.subscribed - slow.unsubscribed).toBe(0);
      expect([running.sse.count(), running.sse.count('lobby')]).toEqual([0, 0]);
    },
  );

  it('a second request pipelined behind a stream is no client, and is cleaned up with it', async () => {
    socket.get('/rooms/lobby');
    socket.get('/rooms/kitchen');
    await socket.receives(/200 OK[^]*\r\n\r\n/);
    await running.sse.broadcast('lobby', 'live', 1);
    await socket.receives(/event: live\n/);
    expect(running.sse.count()).toBe(1);
    socket.reset();
    await eventually(() => running.sse.count() === 0, 'the client forgotten');
  });

  it('a stream pipelined behind an ordinary answer works', async () => {
    socket.get('/ordinary');
    socket.get('/rooms/lobby');
    await socket.receives(/ordinary[^]*text\/event-stream[^]*\r\n\r\n/);
    await eventually(() => running.sse.count('lobby') === 1, 'the client');
    await running.sse.broadcast('lobby', 'live', 1);
    await socket.receives(/event: live\n/);
  });

  it('a refused request does not affect the next one on the same connection', async () => {
    socket.get('/locked');
    await socket.receives(/401 Unauthorized[^]*\}/);
    socket.get('/rooms/lobby');
    await socket.receives(/text\/event-stream/);
    await eventually(() => running.sse.count('lobby') === 1, 'the client');
  });

  it('HTTP/1.0 gets the events without chunks', async () => {
    socket.get('/rooms/lobby', [], '1.0');
    await socket.receives(/\r\n\r\n/);
    await running.sse.broadcast('lobby', 'live', 1);
    await socket.receives(/event: live\ndata: 1\n(id:.*\n)?\n/);
    expect(socket.received.toLowerCase()).not.toContain('transfer-encoding');
    expect(socket.received).not.toMatch(/^[0-9a-f]+\r$/m);
  });

  it('every chunk of HTTP/1.1 is framed as RFC 9112 demands, and the last one ends the response', async () => {
    socket.get('/rooms/lobby');
    await socket.receives(/\r\n\r\n/);
    const [client] = [...running.sse.clients('lobby')];
    for (const text of ['a', 'zürich', '🙂'.repeat(5_000)]) client?.send('n', text);
    client?.close();
    await socket.receives(/\r\n0\r\n\r\n$/);
    const bytes = Buffer.from(socket.received.slice(socket.received.indexOf('\r\n\r\n') + 4));
    expect(Buffer.concat(unchunked(bytes)).toString()).toContain(`data: zürich\n`);
  });

  it('a keep-alive connection serves another request after a stream has ended', async () => {
    socket.get('/rooms/lobby');
    await socket.receives(/\r\n\r\n/);
    const [client] = [...running.sse.clients('lobby')];
    client?.close();
    await socket.receives(/\r\n0\r\n\r\n$/);
    socket.get('/rooms/lobby');
    await socket.receives(/\r\n0\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  it("the server's own timeouts do not end a silent stream", async () => {
    const silent = await platform.start(testApp({ options: { heartbeatIntervalMs: false } }), {
      configure: (app: INestApplication) => unchecked<Server>(app.getHttpServer()).setTimeout(60),
    });
    const { stream, client } = await connectClient(silent);
    await pause(200);
    client.send('still', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'still' });
    await silent.close();
  });
});

describe('on Express,', () => {
  let running: RunningApp;

  afterEach(() => running.close());

  it.each([
    ['as it is', {}],
    ['with a filter that compresses everything', { filter: () => true }],
  ])('compression() %s holds nothing back', async (_how, options) => {
    running = await express.start(testApp(), {
      configure: (app: INestApplication) => app.use(compression(options)),
    });
    const { stream, client } = await connectClient(running, '/rooms/lobby', {
      'accept-encoding': 'gzip, br',
    });
    expect(stream.headers['content-encoding']).toBeUndefined();
    client.send('sent', 1);
    await running.sse.broadcast('lobby', 'live', 1);
    expect((await stream.nextEvents(2)).map(({ event }) => event)).toEqual(['sent', 'live']);
  });

  it('a client that disconnects with its POST body unread is noticed, without any heartbeat', async () => {
    running = await express.start(
      testApp({ options: { heartbeatIntervalMs: false }, controllers: [ConnectionController] }),
    );
    const socket = await RawSocket.connect(running.url);
    const body = 'x'.repeat(1_000_000);
    socket.write(
      `POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await socket.receives(/200 OK[^]*text\/event-stream[^]*\r\n\r\n/);
    await running.sse.broadcast('lobby', 'live', 1);
    await socket.receives(/event: live\n/);
    socket.reset();
    await eventually(() => running.sse.count() === 0, 'the client forgotten');
  });
});

describe('on Fastify,', () => {
  let running: RunningApp;

  afterEach(() => running.close());

  it('handlerTimeout ends no open stream', async () => {
    running = await fastify.start(testApp(), { adapter: new FastifyAdapter({ handlerTimeout: 60 }) });
    const { stream, client } = await connectClient(running);
    await pause(200);
    client.send('still', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'still' });
  });

  it('onSend hooks get no event, and headers set by an onRequest hook are sent', async () => {
    const payloads: unknown[] = [];
    running = await fastify.start(testApp(), {
      configure: (app: INestApplication) => {
        const instance: FastifyInstance = app.getHttpAdapter().getInstance();
        instance.addHook('onRequest', async (_request, reply) => void reply.header('x-hook', 'kept'));
        instance.addHook('onSend', async (_request, _reply, payload) => {
          payloads.push(payload);
          return payload;
        });
      },
    });
    const { stream, client } = await connectClient(running);
    expect(stream.headers['x-hook']).toBe('kept');
    client.send('sent', 1);
    await stream.nextEvent();
    expect(payloads).toHaveLength(1);
    expect((payloads[0] as Readable).readableLength).toBe(0);
  });
});

describe.each(allPlatforms)('several streams on $name:', (platform) => {
  it('the end of one does not affect the others', async () => {
    const running = await platform.start(testApp());
    const pairs = [
      await connectClient(running),
      await connectClient(running),
      await connectClient(running, '/rooms/lobby'),
    ];
    pairs[0]?.client.close();
    pairs[1]?.stream.close();
    await eventually(() => running.sse.count() === 1, 'the two forgotten');
    await running.sse.broadcast('lobby', 'live', 1);
    expect(await pairs[2]?.stream.nextEvent()).toMatchObject({ event: 'live' });
    expect(pairs[2]?.stream.isOpen).toBe(true);
    await running.close();
  });
});
