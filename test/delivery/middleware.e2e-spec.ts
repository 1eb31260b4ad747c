import { ServerResponse } from 'node:http';
import zlib from 'node:zlib';
import { jest } from '@jest/globals';
import compression from 'compression';
import { requestOverHttp1 } from '../support/raw-response.js';
import { express, fastify } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { Hall } from './hall.js';
import { HallController } from './hall.controller.js';
import { Receiver } from './receiver.js';
import { hallPath } from './ways.js';
import type { Connect } from './hall.js';
import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { RunningApp } from '../support/running-app.js';

const http1: Connect = async (running, rooms) =>
  new Receiver(await requestOverHttp1(running.url + hallPath(rooms), {}));

function patchAll(patch: (response: ServerResponse) => void) {
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

/** As body-logging middleware is often written: what `write` returned is lost. */
const forgetful = patchAll((response) => {
  const write = response.write.bind(response) as (...args: unknown[]) => boolean;
  Object.assign(response, { write: (...args: unknown[]) => void write(...args) });
});

/** Changes what goes out. */
const shouting = patchAll((response) => {
  const write = response.write.bind(response) as (chunk: Buffer) => boolean;
  response.write = (chunk: Buffer) => write(Buffer.from(chunk.toString().replaceAll('said', 'SAID')));
});

describe.each([express, fastify])('behind a middleware of the application, on $name,', (platform) => {
  let running: RunningApp;
  let hall: Hall;

  const start = async (configure: Record<'express' | 'fastify', (app: INestApplication) => unknown>) => {
    running = await platform.start(
      sseApp({ controllers: [HallController], options: { heartbeatIntervalMs: false, writeTimeoutMs: 500 } }),
      { configure: configure[platform.framework] },
    );
    hall = new Hall(running, http1);
  };
  afterEach(() => running.close());

  it('a patched res.write that returns nothing is no full socket: everything arrives, nobody is cut', async () => {
    await start(forgetful);
    await hall.enter('hall');
    for (let n = 0; n < 20; n++) {
      hall.publish('hall', 'n', `${n} ${'x'.repeat(n * 1_000)}`);
      await hall.caughtUp();
    }
    for (let n = 0; n < 100; n++) hall.publish('hall', 'n', `${n}`);
    await hall.check();
  });

  it('a res.write patched for all responses, as tracing does, sees every event', async () => {
    const writes = jest.spyOn(ServerResponse.prototype, 'write');
    await start({ express: () => {}, fastify: () => {} });
    await hall.enter('hall');
    for (let n = 0; n < 3; n++) {
      hall.publish('hall', 'n', `no. ${n}`);
      await hall.caughtUp();
    }
    const written = writes.mock.calls.map(([chunk]) => String(chunk)).join('');
    writes.mockRestore();
    await hall.check();
    expect(written.match(/no\. \d/g)).toEqual(['no. 0', 'no. 1', 'no. 2']);
  });

  it('what a patched res.write makes of an event is what clients receive', async () => {
    await start(shouting);
    const { receiver } = await hall.enter('hall');
    const large = 'x'.repeat(100_000);
    for (const data of ['what was said', `${large} said`, 'said again'])
      await running.sse.broadcast('hall', 'n', data);
    await eventually(() => receiver.body.includes('SAID again'), 'the last event');
    const heard = receiver.parsed().events.slice(1);
    expect(heard.map(({ data }) => data)).toEqual(['what was SAID', `${large} SAID`, 'SAID again']);
  });
});

describe('behind compression() that compresses', () => {
  it('a client that is full again and again leaves no listeners behind', async () => {
    const flushes = jest.spyOn(zlib.Gzip.prototype, 'flush');
    const running = await express.start(
      sseApp({ controllers: [HallController], options: { heartbeatIntervalMs: false } }),
      { configure: (app: INestApplication) => app.use(compression()) },
    );
    const hall = new Hall(running, async (_running, rooms) => {
      const headers = { 'accept-encoding': 'gzip' };
      const response = await requestOverHttp1(running.url + hallPath(rooms, '/hall-transformed'), {
        headers,
      });
      return new Receiver(response, response.body.pipe(zlib.createGunzip()));
    });
    await hall.enter('hall');
    for (let n = 0; n < 9; n++) {
      hall.publish('hall', 'n', `${n} ${'x'.repeat(100_000)}`);
      await hall.caughtUp();
    }
    await hall.check();
    const [coder] = flushes.mock.contexts;
    flushes.mockRestore();
    expect((coder as zlib.Gzip).listenerCount('drain')).toBeLessThanOrEqual(1);
    await hall.leave();
    await running.close();
  });
});
