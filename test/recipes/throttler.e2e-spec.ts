import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compileApp } from '../support/compiled-app.js';

const MAIN = `
  import { Module } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  import { ExpressAdapter } from '@nestjs/platform-express';
  import { FastifyAdapter } from '@nestjs/platform-fastify';
  import { ThrottlerModule } from '@nestjs/throttler';
  import { SseModule, SseService } from 'nestjs-simple-sse';
  import { ThrottledController } from './throttled.js';

  @Module({
    imports: [SseModule.forRoot({ limits: { maxStreamsPerAddress: 6 } }), ThrottlerModule.forRoot([{ ttl: 60_000, limit: 2 }])],
    controllers: [ThrottledController],
  })
  class AppModule {}

  const found = [];
  for (const adapter of [new ExpressAdapter(), new FastifyAdapter()]) {
    const app = await NestFactory.create(AppModule, adapter, { logger: false });
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const ask = (path, accept, n) => {
      const address = '192.0.2.' + n;
      const spoofed = { 'x-forwarded-for': address, 'x-real-ip': address, forwarded: 'for=' + address };
      return fetch(url + path, { headers: { accept, 'user-agent': 'agent ' + n, ...spoofed } });
    };
    const statuses = async (path, accept) => {
      const answers = [];
      for (let n = 0; n < 4; n++) answers.push(await ask(path, accept, n));
      return answers.map(({ status }) => status);
    };
    found.push(await statuses('/throttled/page', 'text/event-stream'));
    found.push(await statuses('/throttled/stream', 'text/event-stream'));
    const sse = app.get(SseService);
    const more = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask('/throttled/stream', 'application/json', 100 + n)),
    );
    found.push([sse.count(), more.filter(({ status }) => status === 429).length]);
  }
  console.log(JSON.stringify(found));
  process.exit();
`;

describe('the recipe of the throttler', () => {
  // In a process of its own: this package is CommonJS, and Jest cannot load the ES modules that it requires.
  it('refuses pages over the limit, whatever their headers say, and no stream, which `limits` counts by address, on Express and Fastify', async () => {
    const app = compileApp(MAIN, ['test/recipes/code/throttled.ts']);
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [app.main], { timeout: 50_000 });
      const [page, stream, atOnce] = [
        [200, 200, 429, 429],
        [200, 200, 200, 200],
        [6, 18],
      ];
      expect(JSON.parse(stdout)).toEqual([page, stream, atOnce, page, stream, atOnce]);
    } finally {
      app.remove();
    }
  }, 60_000);
});
