import { connect as connectHttp2 } from 'node:http2';
import { Controller, Get, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SseRoom, type CloseReason } from 'nestjs-simple-sse';
import { interval, type Observable } from 'rxjs';
import { testApp, connectClient } from '../support/test.controller.js';
import { openStream } from '../support/event-stream.js';
import { allPlatforms, platforms, type Platform } from '../support/platforms.js';
import { RawSocket } from '../support/raw-socket.js';
import { sseRefusal } from '../support/refusal.js';
import { eventually, pause, within } from '../support/within.js';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

@Injectable()
class Witness implements OnApplicationShutdown {
  shutDown = false;

  onApplicationShutdown(): void {
    this.shutDown = true;
  }
}

@Controller()
class TickingController {
  @Get('ticking')
  @SseRoom('lobby', { endOnComplete: false })
  ticking(): Observable<number> {
    return interval(1);
  }
}

/** Less than Node (5 s) and Fastify (72 s) keep an idle connection: a close that waits for one takes longer. */
const BEFORE_KEEP_ALIVE_MS = 4_000;

function start(platform: Platform, options?: SseModuleOptions): Promise<RunningApp> {
  return platform.start(testApp({ options, controllers: [TickingController], providers: [Witness] }));
}

describe.each(allPlatforms)('app.close() on $name', (platform) => {
  let running: RunningApp;

  afterEach(() => running.close());

  it('ends open streams whole, and waits neither for the grace time nor for keep-alive connections', async () => {
    running = await start(platform, { shutdownGraceMs: 60_000 });
    const reasons: CloseReason[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const { stream: silent, client } = await connectClient(running, '/rooms/lobby');
    const { stream: plain } = await connectClient(running);
    const ticking = await running.listen('/ticking');
    await ticking.nextEvents(3);
    await within(running.shutDown(), 'the close of the application', BEFORE_KEEP_ALIVE_MS);
    for (const stream of [silent, plain, ticking]) expect(await stream.ended).toBe('whole');
    expect(await client.closed).toBe('shutdown');
    expect(reasons).toEqual(['shutdown', 'shutdown', 'shutdown']);
    expect(running.get(Witness).shutDown).toBe(true);
    expect([running.sse.count(), [...running.sse.rooms()]]).toEqual([0, []]);
  });

  it('ends within the grace time when a client does not read', async () => {
    running = await start(platform, { shutdownGraceMs: 200, maxQueuedBytes: 64 * 1024 * 1024 });
    const { stream } = await connectClient(running, '/rooms/lobby');
    stream.pause();
    const chunk = 'x'.repeat(256 * 1024);
    for (let n = 0; n < 60; n++) await running.sse.broadcast('lobby', chunk);
    await within(running.shutDown(), 'the close of the application', BEFORE_KEEP_ALIVE_MS);
    expect(running.get(Witness).shutDown).toBe(true);
    expect(running.sse.count()).toBe(0);
  });

  it('delivers everything queued to a client that reads, and then ends at once', async () => {
    running = await start(platform, { shutdownGraceMs: 60_000, maxQueuedBytes: 64 * 1024 * 1024 });
    const { stream, client } = await connectClient(running, '/rooms/lobby');
    stream.pause();
    for (let n = 0; n < 60; n++) client.send(`${n} ${'x'.repeat(256 * 1024)}`);
    const closing = running.shutDown();
    await pause(20);
    stream.resume();
    expect(await stream.eventsUntilEnd()).toHaveLength(60);
    expect(await stream.ended).toBe('whole');
    await within(closing, 'the close of the application', BEFORE_KEEP_ALIVE_MS);
  });

  it('is as quick when every client has disconnected before', async () => {
    running = await start(platform);
    await connectClient(running, '/rooms/lobby');
    await running.disconnectAll();
    await within(running.shutDown(), 'the close of the application', BEFORE_KEEP_ALIVE_MS);
  });

  it('refuses broadcasts afterwards with an SseError', async () => {
    running = await start(platform);
    await running.shutDown();
    await sseRefusal(() => running.sse.broadcast('lobby', 'late', 1));
    await sseRefusal(() => running.sse.broadcast('*', 'late', 1));
  });
});

describe.each(allPlatforms.filter(({ http2 }) => http2))('app.close() on $name', (platform) => {
  it('is not held up by a session that stays open after its stream', async () => {
    const running = await start(platform);
    const session = connectHttp2(running.url, { rejectUnauthorized: false });
    session.on('error', () => {});
    const stream = await openStream(`${running.url}/plain`, { session });
    await eventually(() => running.sse.count() === 1, 'the client');
    await within(running.shutDown(), 'the close of the application', BEFORE_KEEP_ALIVE_MS);
    expect(await stream.ended).toBe('whole');
    await eventually(() => session.closed, 'the end of the session');
    session.destroy();
  });
});

describe.each(platforms)('a new client while the application closes on $name', (platform) => {
  it('gets no half-open stream: it is asked to reconnect, or refused', async () => {
    const running = await start(platform, { shutdownGraceMs: 500, maxQueuedBytes: 64 * 1024 * 1024 });
    const { stream } = await connectClient(running, '/rooms/lobby');
    stream.pause();
    const late = await RawSocket.connect(running.url);
    const chunk = 'x'.repeat(256 * 1024);
    for (let n = 0; n < 60; n++) await running.sse.broadcast('lobby', chunk);
    const closing = running.shutDown();
    await pause(20);
    late.get('/rooms/lobby');
    await late.ended();
    expect(late.received).toMatch(/^$|^HTTP\/1\.1 (503|200)/);
    if (late.received.startsWith('HTTP/1.1 200')) {
      expect(late.received).toMatch(/\r\nretry: \d+\n|\nretry: \d+\n/);
      expect(late.received).toMatch(/0\r\n\r\n$/);
    }
    expect(running.sse.count('lobby')).toBeLessThanOrEqual(1);
    await closing;
  });
});
