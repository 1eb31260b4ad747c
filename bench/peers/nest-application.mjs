/**
 * A Nest application around one module class. `@nestjs/*` and `rxjs` are deliberately not in this folder's
 * package.json: they resolve to the root's copies, the same that the module under test is built against.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import ts from 'typescript';
import { importBuild } from '../lib/build.mjs';
import { socketPath } from '../lib/socket-path.mjs';
import { running } from './listen.mjs';

/**
 * @param {Function} module
 * @param {'express' | 'fastify' | 'node' | 'sse-express'} platform
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
  if (platform === 'node') return new (await importNodeAdapter()).NodeAdapter();
  if (platform === 'sse-express') return new (await importBuild('express/index')).SseExpressAdapter();
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  return new ExpressAdapter();
}

/** The adapter over `node:http` that the tests use, without types. In this folder, from which it finds the root's packages. */
async function importNodeAdapter() {
  const source = readFileSync(new URL('../../test/support/node-adapter.ts', import.meta.url), 'utf8');
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const file = fileURLToPath(new URL(`../node-adapter-${process.pid}.mjs`, import.meta.url));
  writeFileSync(file, ts.transpileModule(source, { compilerOptions: options }).outputText);
  try {
    return await import(file);
  } finally {
    rmSync(file);
  }
}
