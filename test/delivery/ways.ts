import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import compression from 'compression';
import { requestOverHttp1, requestOverHttp2 } from '../support/raw-response.js';
import { express, fastify, http2Platforms, type Platform, type StartOptions } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { throwAwayCertificate, throwAwayKey } from '../support/throw-away-certificate.js';
import { eventually, within } from '../support/within.js';
import { HallController } from './hall.controller.js';
import { HandWritten } from './hand-written.js';
import { Receiver } from './receiver.js';
import { patchedWrites } from './patched-writes.js';
import { portOf } from '../support/port-of.js';
import type { INestApplication } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';
import type { Connect } from './hall.js';

/** One way that bytes can take from the module to a client. */
export interface Way {
  readonly name: string;
  /** Whether it may take the client's own answer, or another thread, before more can be written: then not within a turn. */
  readonly takesTime: boolean;
  start(options?: SseModuleOptions): Promise<RunningApp>;
  readonly connect: Connect;
  stop(running: RunningApp): Promise<void>;
}

const ORDINARY_ANSWER = /^HTTP\/1.1 200 OK\r\n[^]*?\r\n\r\n\.*an ordinary answer/;

function way(
  name: string,
  platform: Platform,
  connect: Connect,
  start: StartOptions = {},
  own: SseModuleOptions = {},
): Way {
  return {
    name: `${name}, ${platform.name}`,
    takesTime: platform.http2 || /compression\(\) to/.test(name),
    connect,
    start: (options = {}) =>
      platform.start(
        sseApp({
          controllers: [HallController],
          options: { heartbeatIntervalMs: false, ...own, ...options },
        }),
        start,
      ),
    stop: (running) => running.close(),
  };
}

export function hallPath(rooms: readonly string[], path = '/hall'): string {
  return `${path}?rooms=${rooms.join(',')}`;
}

/** Node's client over HTTP/1.1, with these headers. */
function http1(headers: Record<string, string> = {}, path?: string): Connect {
  return async (running, rooms) =>
    new Receiver(await within(requestOverHttp1(running.url + hallPath(rooms, path), { headers }), 'a head'));
}

function compressed(coding: 'gzip' | 'br'): Connect {
  return async (running, rooms) => {
    const url = running.url + hallPath(rooms, '/hall-transformed');
    const response = await requestOverHttp1(url, { headers: { 'accept-encoding': coding } });
    expect(response.headers['content-encoding']).toBe(coding);
    return new Receiver(
      response,
      response.body.pipe(coding === 'gzip' ? createGunzip() : createBrotliDecompress()),
    );
  };
}

const notCompressed: Connect = async (running, rooms) => {
  const receiver = await http1({ 'accept-encoding': 'gzip, br' })(running, rooms);
  expect(receiver.headers['content-encoding']).toBeUndefined();
  return receiver;
};

const http10: Connect = async (running, rooms) => {
  const connection = HandWritten.tcp(portOf(running.server)).get(hallPath(rooms), [], '1.0');
  const receiver = await connection.answer();
  expect(receiver.headers['transfer-encoding']).toBeUndefined();
  return receiver;
};

const closing: Connect = async (running, rooms) => {
  const connection = HandWritten.tcp(portOf(running.server)).get(hallPath(rooms), ['Connection: close']);
  const receiver = await connection.answer();
  expect(receiver.headers).toMatchObject({ connection: 'close', 'transfer-encoding': 'chunked' });
  return receiver;
};

const overTls: Connect = async (running, rooms) =>
  HandWritten.tls(portOf(running.server)).get(hallPath(rooms)).answer();

/** Behind a first answer of the same connection, which ends after the stream has opened. */
const pipelined: Connect = async (running, rooms) => {
  const before = running.sse.count();
  const connection = HandWritten.tcp(portOf(running.server)).get('/ordinary').get(hallPath(rooms));
  await eventually(() => running.sse.count() > before, 'the stream behind the first answer');
  running.get(HallController).answerOrdinary();
  await pastOrdinary(connection);
  return connection.answer();
};

/** Reads the answer of `/ordinary`, and nothing behind it. */
export async function pastOrdinary({ valve }: HandWritten): Promise<void> {
  let text = '';
  valve.lead((bytes) => (text += bytes.toString('latin1')));
  await eventually(() => ORDINARY_ANSWER.test(text), 'the first answer');
  const [answer = ''] = ORDINARY_ANSWER.exec(text) ?? [];
  valve.putBack(Buffer.from(text.slice(answer.length), 'latin1'));
}

/** With a body of which most never comes. */
const unreadBody: Connect = async (running, rooms) => {
  const connection = HandWritten.tcp(portOf(running.server));
  connection.write(
    `POST ${hallPath(rooms)} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n` +
      `Content-Length: 1000000000\r\n\r\n`,
  );
  connection.write(Buffer.alloc(1_000_000, 'x'));
  return connection.answer();
};

const sessions = new WeakMap<RunningApp, ClientHttp2Session>();

/** All streams of one application over one session. */
const http2: Connect = async (running, rooms) => {
  let session = sessions.get(running);
  if (session === undefined) {
    session = connectHttp2(running.url, { rejectUnauthorized: false });
    session.on('error', () => {});
    sessions.set(running, session);
  }
  return new Receiver(await within(requestOverHttp2(session, running.url + hallPath(rooms), {}), 'a head'));
};

/** Hands the body on unread, as an upload plugin does; by itself Fastify would read it before the handler. */
function leaveBodies(app: INestApplication): void {
  const instance: FastifyInstance = app.getHttpAdapter().getInstance();
  instance.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null));
}

const tls = { nest: { httpsOptions: { key: throwAwayKey, cert: throwAwayCertificate } } };

export const ways: readonly Way[] = [
  way('HTTP/1.1', express, http1()),
  way('HTTP/1.1', fastify, http1()),
  way('Connection: close', express, closing),
  way('Connection: close', fastify, closing),
  way('compression() that keeps out', express, notCompressed, { configure: (app) => app.use(compression()) }),
  way('compression() to gzip', express, compressed('gzip'), { configure: (app) => app.use(compression()) }),
  way('compression() to brotli', express, compressed('br'), { configure: (app) => app.use(compression()) }),
  way('a patched res.write', express, http1(), { configure: patchedWrites.express }),
  way('a patched res.write', fastify, http1(), { configure: patchedWrites.fastify }),
  way('HTTP/1.0', express, http10),
  way('HTTP/1.0', fastify, http10),
  way('pipelined', express, pipelined),
  way('pipelined', fastify, pipelined),
  way('an unread body', express, unreadBody),
  way('an unread body', fastify, unreadBody, { configure: leaveBodies }),
  way('TLS', express, overTls, tls),
  way('HTTP/1.1 with flushIntervalMs', express, http1(), {}, { flushIntervalMs: 10 }),
  ...http2Platforms.map((platform) => ({
    ...way('streams of one session', platform, http2),
    stop: async (running: RunningApp) => {
      sessions.get(running)?.destroy();
      await running.close();
    },
  })),
];
