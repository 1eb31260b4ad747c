import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { ServerResponse } from 'node:http';

/** Installs a middleware or hook, by framework, that changes each response before its handler runs. */
export type PatchResponses = Record<'express' | 'fastify', (app: INestApplication) => unknown>;

export function patchResponses(patch: (response: ServerResponse) => void): PatchResponses {
  return {
    express: (app: INestApplication) =>
      app.use((_request: unknown, response: ServerResponse, next: () => void) => {
        patch(response);
        next();
      }),
    fastify: (app: INestApplication) => {
      const instance: FastifyInstance = app.getHttpAdapter().getInstance();
      instance.addHook('onRequest', async (_request, reply) => patch(reply.raw));
    },
  };
}

/** Bytes that the patched `write` of each response saw, by the number in its header `x-write-log`. */
export const writeLogs: Buffer[][] = [];

/** Records every byte of a response, as middleware for tracing and logging does. */
export const recordWrites = patchResponses((response) => {
  const log: Buffer[] = [];
  response.setHeader('x-write-log', String(writeLogs.push(log) - 1));
  const write = response.write.bind(response) as (...args: unknown[]) => boolean;
  response.write = (...args: unknown[]) => {
    log.push(Buffer.from(args[0] as Buffer));
    return write(...args);
  };
});
