import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compileApp } from '../support/compiled-app.js';

const MAIN = `
  import { Module } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  import { ExpressAdapter } from '@nestjs/platform-express';
  import { FastifyAdapter } from '@nestjs/platform-fastify';
  import { ThrottlerModule } from '@nestjs/throttler';
  import { SseModule } from 'nestjs-simple-sse';
  import { ThrottledController } from './throttled.js';

  @Module({
    imports: [SseModule.forRoot(), ThrottlerModule.forRoot([{ ttl: 60_000, limit: 2 }])],
    controllers: [ThrottledController],
  })
  class AppModule {}

  const found = [];
  for (const adapter of [new ExpressAdapter(), new FastifyAdapter()]) {
    const app = await NestFactory.create(AppModule, adapter, { logger: false });
    await app.listen(0, '127.0.0.1');
    const statuses = async (path, accept) => {
      const answers = [];
      for (let n = 0; n < 4; n++) answers.push(await fetch((await app.getUrl()) + path, { headers: { accept } }));
      return answers.map(({ status }) => status);
    };
    found.push(await statuses('/throttled/page', 'text/event-stream'));
    found.push(await statuses('/throttled/stream', 'text/event-stream'));
  }
  console.log(JSON.stringify(found));
  process.exit();
`;

describe('the recipe of the throttler', () => {
  // In a process of its own: this package is CommonJS, and Jest cannot load the ES modules that it requires.
  it('refuses pages over the limit, whatever they accept, and no stream, on Express and Fastify', async () => {
    const app = compileApp(MAIN, ['test/recipes/code/throttled.ts']);
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [app.main], { timeout: 50_000 });
      const [page, stream] = [
        [200, 200, 429, 429],
        [200, 200, 200, 200],
      ];
      expect(JSON.parse(stdout)).toEqual([page, stream, page, stream]);
    } finally {
      app.remove();
    }
  }, 60_000);
});
