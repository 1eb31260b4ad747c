/**
 * A Nest application around one module class. `@nestjs/*` and `rxjs` are deliberately not in this folder's
 * package.json: they resolve to the root's copies, the same that the module under test is built against.
 */
import { NestFactory } from '@nestjs/core';
import { importBuild } from '../lib/build.mjs';
import { socketPath } from '../lib/socket-path.mjs';
import { running } from './listen.mjs';

/**
 * @param {Function} module
 * @param {'express' | 'fastify' | 'sse-express'} platform
 * @param {(app: import('@nestjs/common').INestApplication) => void} [prepare] called before it listens
 */
export async function startNest(module, platform, prepare) {
  const app = await NestFactory.create(module, await adapter(platform), { logger: ['error', 'warn'] });
  prepare?.(app);
  await (socketPath() ? app.listen(socketPath()) : app.listen(0, '127.0.0.1'));
  return { app, ...running(app.getHttpServer()) };
}

async function adapter(platform) {
  if (platform === 'fastify') {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    return new FastifyAdapter();
  }
  if (platform === 'sse-express') return new (await importBuild('express/index')).SseExpressAdapter();
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  return new ExpressAdapter();
}
