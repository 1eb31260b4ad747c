import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { ServerResponse } from 'node:http';

/** What the patched `write` of each response saw, by the number in its header `x-witness`. */
export const witnessed: Buffer[][] = [];

function patch(response: ServerResponse): void {
  const seen: Buffer[] = [];
  response.setHeader('x-witness', String(witnessed.push(seen) - 1));
  const write = response.write.bind(response) as (...args: unknown[]) => boolean;
  response.write = (...args: unknown[]) => {
    seen.push(Buffer.from(args[0] as Buffer));
    return write(...args);
  };
}

/** A middleware that looks at every byte of a response, as those for tracing and logging do. */
export const patchedWrites = {
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
