import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { Platform } from '../support/platforms.js';

/** An adapter that takes the host of a request from the headers of the proxy in front of it. */
export function adapterThatTrusts({ framework }: Platform): AbstractHttpAdapter {
  if (framework === 'fastify') return new FastifyAdapter({ trustProxy: true });
  const adapter = new ExpressAdapter();
  adapter.set('trust proxy', true);
  return adapter;
}
