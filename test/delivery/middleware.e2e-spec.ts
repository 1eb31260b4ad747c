import { ServerResponse } from 'node:http';
import zlib from 'node:zlib';
import { jest } from '@jest/globals';
import compression from 'compression';
import { requestOverHttp1 } from '../support/raw-response.js';
import { express, fastify } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { DeliveryHarness } from './delivery-harness.js';
import { DeliveryController, streamPath } from './delivery.controller.js';
import { patchResponses, type PatchResponses } from './patched-responses.js';
import { ReceivedStream } from './received-stream.js';
import type { Connect } from './delivery-harness.js';
import type { INestApplication } from '@nestjs/common';
import type { RunningApp } from '../support/running-app.js';

const http1: Connect = async (running, rooms) =>
  new ReceivedStream(await requestOverHttp1(running.url + streamPath(rooms), {}));

/** Loses the result of `write`, as much middleware for body logging does. */
const losesResult = patchResponses((response) => {
  const write = response.write.bind(response) as (...args: unknown[]) => boolean;
  Object.assign(response, { write: (...args: unknown[]) => void write(...args) });
});

/** Changes the bytes that are sent. */
const upperCases = patchResponses((response) => {
  const write = response.write.bind(response) as (chunk: Buffer) => boolean;
  response.write = (chunk: Buffer) => write(Buffer.from(chunk.toString().replaceAll('sent', 'SENT')));
});

describe.each([express, fastify])('a res.write that a middleware patched, on $name,', (platform) => {
  let running: RunningApp;
  let harness: DeliveryHarness;

  const start = async (configure: PatchResponses) => {
    running = await platform.start(
      sseApp({
        controllers: [DeliveryController],
        options: { heartbeatIntervalMs: false, writeTimeoutMs: 500 },
      }),
      { configure: configure[platform.framework === 'fastify' ? 'fastify' : 'express'] },
    );
    harness = new DeliveryHarness(running, http1);
  };
  afterEach(() => running.close());

  it('does not count as a full socket when it returns nothing: everything arrives and no client is cut', async () => {
    await start(losesResult);
    await harness.connectClient('lobby');
    for (let n = 0; n < 20; n++) {
      harness.publish('lobby', 'n', `${n} ${'x'.repeat(n * 1_000)}`);
      await harness.receivedAll();
    }
    for (let n = 0; n < 100; n++) harness.publish('lobby', 'n', `${n}`);
    await harness.verify();
  });

  it('sees every event when it is patched on the prototype, as tracing does', async () => {
    const writes = jest.spyOn(ServerResponse.prototype, 'write');
    await start({ express: () => {}, fastify: () => {} });
    await harness.connectClient('lobby');
    for (let n = 0; n < 3; n++) {
      harness.publish('lobby', 'n', `no. ${n}`);
      await harness.receivedAll();
    }
    const written = writes.mock.calls.map(([chunk]) => String(chunk)).join('');
    writes.mockRestore();
    await harness.verify();
    expect(written.match(/no\. \d/g)).toEqual(['no. 0', 'no. 1', 'no. 2']);
  });

  it('may change what clients receive', async () => {
    await start(upperCases);
    const { received } = await harness.connectClient('lobby');
    const large = 'x'.repeat(100_000);
    for (const data of ['one sent', `${large} sent`, 'sent again'])
      await running.sse.broadcast('lobby', 'n', data);
    await eventually(() => received.body.includes('SENT again'), 'the last event');
    const events = received.parsed().events.slice(1);
    expect(events.map(({ data }) => data)).toEqual(['one SENT', `${large} SENT`, 'SENT again']);
  });
});

describe('compression() that compresses a stream', () => {
  it('keeps no listener of a client that was full several times', async () => {
    const flushes = jest.spyOn(zlib.Gzip.prototype, 'flush');
    const running = await express.start(
      sseApp({ controllers: [DeliveryController], options: { heartbeatIntervalMs: false } }),
      { configure: (app: INestApplication) => app.use(compression()) },
    );
    const harness = new DeliveryHarness(running, async (_running, rooms) => {
      const headers = { 'accept-encoding': 'gzip' };
      const response = await requestOverHttp1(running.url + streamPath(rooms, '/compressible'), {
        headers,
      });
      return new ReceivedStream(response, response.body.pipe(zlib.createGunzip()));
    });
    await harness.connectClient('lobby');
    for (let n = 0; n < 9; n++) {
      harness.publish('lobby', 'n', `${n} ${'x'.repeat(100_000)}`);
      await harness.receivedAll();
    }
    await harness.verify();
    const [coder] = flushes.mock.contexts;
    flushes.mockRestore();
    expect((coder as zlib.Gzip).listenerCount('drain')).toBeLessThanOrEqual(1);
    await harness.disconnect();
    await running.close();
  });
});
