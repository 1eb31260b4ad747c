import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { compileApp } from '../support/compiled-app.js';
import { PATIENCE_MS, within } from '../support/within.js';

/** Opens streams of slow and quick clients, and closes the server without `app.close()` once all have disconnected. */
const APPLICATION = `
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseModule, SseRoom, SseService } from 'nestjs-simple-sse';

@Controller()
class AppController {
  @Get('events')
  @SseRoom('lobby')
  events(): void {}

  @Get('numbers')
  @SseRoom('lobby')
  async *numbers(): AsyncGenerator<string> {
    for (;;) {
      yield 'x'.repeat(100_000);
      // A loop without a turn of its own would keep the other clients from being served.
      await new Promise(setImmediate);
    }
  }
}

@Module({
  imports: [
    SseModule.forRoot({
      heartbeatIntervalMs: 10,
      writeTimeoutMs: 2_000_000,
      flushIntervalMs: 20,
      maxQueuedBytes: 100_000_000,
    }),
  ],
  controllers: [AppController],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
const sse = app.get(SseService, { strict: false });
let gone = 0;
sse.disconnected$.subscribe(() => {
  if (++gone === 4) app.getHttpServer().close();
});
let opened = 0;
sse.connected$.subscribe(() => {
  if (++opened < 4) return;
  for (let n = 0; n < 200; n++) void sse.broadcast('lobby', 'n', 'x'.repeat(100_000));
  setTimeout(() => console.log('filled'), 100);
});
console.log(new URL(await app.getUrl()).port);
`;

describe('a process whose clients have gone', () => {
  let compiledApp: ReturnType<typeof compileApp>;
  let child: ChildProcess | undefined;

  beforeAll(() => {
    compiledApp = compileApp(APPLICATION);
  });
  afterEach(() => void child?.kill('SIGKILL'));
  afterAll(() => compiledApp.remove());

  it('ends by itself: no timer of a heartbeat, a flush or a stalled client is left', async () => {
    const started = spawn(process.execPath, [compiledApp.main], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = started;
    const exit = once(started, 'exit');
    const [port] = (await within(once(started.stdout, 'data'), 'the port', PATIENCE_MS)) as unknown[];
    const filled = once(started.stdout, 'data');
    const sockets = ['/events', '/events', '/numbers', '/numbers'].map((path, n) => {
      const socket = connect({ host: '127.0.0.1', port: Number(String(port)) });
      socket.on('error', () => {});
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      // Every second client reads nothing.
      if (n % 2 === 0) socket.resume();
      else socket.pause();
      return socket;
    });
    await within(filled, 'full sockets', PATIENCE_MS);
    for (const [n, socket] of sockets.entries()) {
      if (n % 2 === 0) socket.destroy();
      else socket.resetAndDestroy();
    }
    expect(await within(exit, 'the end of the process', PATIENCE_MS)).toEqual([0, null]);
  });
});
