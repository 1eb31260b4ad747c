import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import compression from 'compression';
import { requestOverHttp1, requestOverHttp2 } from '../support/raw-response.js';
import { express, fastify, http2Platforms, type Platform, type StartOptions } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { throwAwayCertificate, throwAwayKey } from '../support/throw-away-certificate.js';
import { eventually, within } from '../support/within.js';
import { DeliveryController, streamPath } from './delivery.controller.js';
import { RawConnection } from './raw-connection.js';
import { ReceivedStream } from './received-stream.js';
import { recordWrites } from './patched-responses.js';
import { portOf } from '../support/port-of.js';
import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';
import type { Connect } from './delivery-harness.js';

/** One way that bytes can take from the module to a client: protocol, framework and middleware. */
export interface Transport {
  readonly name: string;
  /** False where the next write needs a window update of the client, or the compressing thread, in a later turn. */
  readonly drainsWithinTurn: boolean;
  start(options?: SseModuleOptions): Promise<RunningApp>;
  readonly connect: Connect;
  stop(running: RunningApp): Promise<void>;
}

const ORDINARY_ANSWER = /^HTTP\/1.1 200 OK\r\n[^]*?\r\n\r\n\.*an ordinary answer/;

function transport(
  name: string,
  platform: Platform,
  connect: Connect,
  start: StartOptions = {},
  defaults: SseModuleOptions = {},
): Transport {
  return {
    name: `${name}, ${platform.name}`,
    drainsWithinTurn: !platform.http2 && !/compression\(\) to/.test(name),
    connect,
    start: (options = {}) =>
      platform.start(
        sseApp({
          controllers: [DeliveryController],
          options: { heartbeatIntervalMs: false, ...defaults, ...options },
        }),
        start,
      ),
    stop: (running) => running.close(),
  };
}

/** Connects Node's client over HTTP/1.1, with these headers. */
function http1(headers: Record<string, string> = {}, path?: string): Connect {
  return async (running, rooms) =>
    new ReceivedStream(
      await within(requestOverHttp1(running.url + streamPath(rooms, path), { headers }), 'a head'),
    );
}

function compressed(coding: 'gzip' | 'br', path = '/compressible'): Connect {
  return async (running, rooms) => {
    const url = running.url + streamPath(rooms, path);
    const response = await requestOverHttp1(url, { headers: { 'accept-encoding': coding } });
    expect(response.headers['content-encoding']).toBe(coding);
    return new ReceivedStream(
      response,
      response.body.pipe(coding === 'gzip' ? createGunzip() : createBrotliDecompress()),
    );
  };
}

const notCompressed: Connect = async (running, rooms) => {
  const received = await http1({ 'accept-encoding': 'gzip, br' })(running, rooms);
  expect(received.headers['content-encoding']).toBeUndefined();
  return received;
};

const http10: Connect = async (running, rooms) => {
  const connection = RawConnection.tcp(portOf(running.server)).get(streamPath(rooms), [], '1.0');
  const received = await connection.answer();
  expect(received.headers['transfer-encoding']).toBeUndefined();
  return received;
};

const closing: Connect = async (running, rooms) => {
  const connection = RawConnection.tcp(portOf(running.server)).get(streamPath(rooms), ['Connection: close']);
  const received = await connection.answer();
  expect(received.headers).toMatchObject({ connection: 'close', 'transfer-encoding': 'chunked' });
  return received;
};

const overTls: Connect = async (running, rooms) =>
  RawConnection.tls(portOf(running.server)).get(streamPath(rooms)).answer();

/** Pipelines the stream behind an ordinary answer, which ends after the stream has opened. */
const pipelined: Connect = async (running, rooms) => {
  const before = running.sse.count();
  const connection = RawConnection.tcp(portOf(running.server)).get('/ordinary').get(streamPath(rooms));
  await eventually(() => running.sse.count() > before, 'the stream behind the first answer');
  running.get(DeliveryController).answerOrdinary();
  await readOrdinaryAnswer(connection);
  return connection.answer();
};

/** Reads the answer of `/ordinary`, and leaves the bytes behind it unread. */
export async function readOrdinaryAnswer({ reader }: RawConnection): Promise<void> {
  let text = '';
  reader.onBytes((bytes) => (text += bytes.toString('latin1')));
  await eventually(() => ORDINARY_ANSWER.test(text), 'the first answer');
  const [answer = ''] = ORDINARY_ANSWER.exec(text) ?? [];
  reader.unread(Buffer.from(text.slice(answer.length), 'latin1'));
}

/** Requests with a body of which most is never sent. */
const unreadBody: Connect = async (running, rooms) => {
  const connection = RawConnection.tcp(portOf(running.server));
  connection.write(
    `POST ${streamPath(rooms)} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n` +
      `Content-Length: 1000000000\r\n\r\n`,
  );
  connection.write(Buffer.alloc(1_000_000, 'x'));
  return connection.answer();
};

const sessions = new WeakMap<RunningApp, ClientHttp2Session>();

/** Opens all streams of one application over one session. */
const http2: Connect = async (running, rooms) => {
  let session = sessions.get(running);
  if (session === undefined) {
    session = connectHttp2(running.url, { rejectUnauthorized: false });
    session.on('error', () => {});
    sessions.set(running, session);
  }
  return new ReceivedStream(
    await within(requestOverHttp2(session, running.url + streamPath(rooms), {}), 'a head'),
  );
};

/** Leaves the body unread, as an upload plugin does; by default Fastify reads it before the handler. */
function leaveBodies(app: INestApplication): void {
  const instance: FastifyInstance = app.getHttpAdapter().getInstance();
  instance.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null));
}

const tls = { nest: { httpsOptions: { key: throwAwayKey, cert: throwAwayCertificate } } };

export const transports: readonly Transport[] = [
  transport('HTTP/1.1', express, http1()),
  transport('HTTP/1.1', fastify, http1()),
  transport('Connection: close', express, closing),
  transport('Connection: close', fastify, closing),
  transport('compression() that keeps out', express, notCompressed, {
    configure: (app) => app.use(compression()),
  }),
  transport('compression() to gzip', express, compressed('gzip'), {
    configure: (app) => app.use(compression()),
  }),
  transport('compression() to brotli', express, compressed('br'), {
    configure: (app) => app.use(compression()),
  }),
  transport('compress: true', express, compressed('gzip', '/compress')),
  transport('compress: true', fastify, compressed('gzip', '/compress')),
  transport('compress: true behind compression()', express, compressed('gzip', '/compress'), {
    configure: (app) => app.use(compression()),
  }),
  transport('a patched res.write', express, http1(), { configure: recordWrites.express }),
  transport('a patched res.write', fastify, http1(), { configure: recordWrites.fastify }),
  transport('HTTP/1.0', express, http10),
  transport('HTTP/1.0', fastify, http10),
  transport('pipelined', express, pipelined),
  transport('pipelined', fastify, pipelined),
  transport('an unread body', express, unreadBody),
  transport('an unread body', fastify, unreadBody, { configure: leaveBodies }),
  transport('TLS', express, overTls, tls),
  transport('HTTP/1.1 with flushIntervalMs', express, http1(), {}, { flushIntervalMs: 10 }),
  ...http2Platforms.map((platform) => ({
    ...transport('streams of one session', platform, http2),
    stop: async (running: RunningApp) => {
      sessions.get(running)?.destroy();
      await running.close();
    },
  })),
];
