import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { rootCertificates, Server as TlsServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseService, type SseModuleOptions } from 'nestjs-simple-sse';
import { closeTestStreams, openTestStream } from 'nestjs-simple-sse/testing';
import fc from 'fast-check';
import { http2Platforms, platforms, type Platform } from '../support/platforms.js';
import { refusal } from '../support/refusal.js';
import { sseApp } from '../support/sse-app.js';
import { throwAwayCertificate, throwAwayKey } from '../support/throw-away-certificate.js';
import { eventually } from '../support/within.js';
import { failure, OrdersController } from './orders-app.js';
import { streamPromises } from './stream-promises.js';

let app: INestApplication;
let sse: SseService;

const open = (path = '/orders/7/events'): ReturnType<typeof openTestStream> => openTestStream(app, path);

/** Starts an application for each test of a block, and adds the tests that hold over every transport. */
function promisesOfStreams(platform: Platform, options?: SseModuleOptions): void {
  beforeEach(async () => {
    const module = sseApp({ controllers: [OrdersController], options });
    app = await NestFactory.create(module, platform.adapter(), { logger: false });
    sse = app.get(SseService, { strict: false });
  });
  afterEach(async () => {
    await closeTestStreams();
    await app.close();
  });

  it.each(Object.entries(streamPromises))('%s', (_name, promise) =>
    promise({ open, app, sse, closeTestStreams }),
  );
}

describe.each(platforms)('a stream of a test, on $name', (platform) => {
  promisesOfStreams(platform, { historyMaxEvents: 2 });

  it('receives events of an application that does not listen', async () => {
    const stream = await open();
    await sse.broadcast('orders/7', 'paid', { id: 7 });
    expect(await stream.next('paid')).toEqual({
      event: 'paid',
      data: { id: 7 },
      text: '{"id":7}',
      id: expect.any(String) as string,
    });
    expect(stream.status).toBe(200);
    expect(stream.headers['content-type']).toBe('text/event-stream');
  });

  it('receives events of an application that listens, and leaves it listening', async () => {
    await app.listen(0, '127.0.0.1');
    const stream = await openTestStream(`${await app.getUrl()}/orders/7/events`);
    const other = await open();
    await sse.broadcast('orders/7', 'text');
    expect(await stream.next()).toMatchObject({ event: 'message', data: 'text' });
    expect(await other.next()).toMatchObject({ event: 'message', data: 'text' });
    await closeTestStreams();
    expect((await fetch(`${await app.getUrl()}/refused`)).status).toBe(403);
  });

  it('has an answer that is no stream as an error with its status and body', async () => {
    const error = await refusal(() => open('/refused'));
    expect(error).toMatchObject({ status: 403, body: expect.stringContaining('not yours') as string });
    expect(String(error)).toMatch(/GET .*\/refused answered 403 application\/json.*not yours/);
  });

  it('may be opened by POST with a body', async () => {
    const stream = await openTestStream(app, '/orders/8/events', { body: { a: 1 } });
    await sse.broadcast('orders/8', 'paid', 1);
    expect((await stream.next('paid')).data).toBe(1);
  });

  it('passes over events of other names, and returns each event once', async () => {
    const stream = await open();
    for (const name of ['a', 'b', 'a', 'c']) await sse.broadcast('orders/7', name, name);
    expect((await stream.next('b')).data).toBe('b');
    expect((await stream.next('a')).data).toBe('a');
    expect((await stream.next()).data).toBe('c');
    await stream.expectNothing(5);
  });

  it('returns different events to calls at the same time', async () => {
    const stream = await open();
    const both = Promise.all([stream.next(), stream.next()]);
    await sse.broadcast('orders/7', 'a', 1);
    await sse.broadcast('orders/7', 'b', 2);
    expect((await both).map(({ event }) => event)).toEqual(['a', 'b']);
  });

  it('returns the events up to a name, and up to one that a predicate accepts', async () => {
    const stream = await open();
    for (const done of [1, 2, 3]) await sse.broadcast('orders/7', 'progress', { done });
    const events = await stream.until(({ data }) => (data as { done?: number }).done === 2);
    expect(events.map(({ data }) => data)).toEqual([{ done: 1 }, { done: 2 }]);
    await sse.broadcast('orders/7', 'finished', null);
    expect((await stream.until('finished')).map(({ event }) => event)).toEqual(['progress', 'finished']);
  });

  it('shows what came instead when an event does not come in time', async () => {
    const stream = await open();
    await sse.broadcast('orders/7', 'shipped', { id: 7 });
    await eventually(() => stream.events.length === 2, 'the other event');
    expect(await failure(() => stream.next('paid', { timeoutMs: 50 }))).toMatch(
      /^No event "paid" came within 50 ms\. Instead came: .*shipped \{"id":7\}/,
    );
  });

  it('shows what came instead when the stream has ended', async () => {
    const stream = await open();
    await sse.broadcast('orders/7', 'shipped', { id: 7 });
    await sse.disconnect({ room: 'orders/7' });
    expect(await failure(() => stream.next('paid'))).toMatch(/before the stream was ended.*shipped/);
    expect(await stream.end()).toBe('ended');
  });

  it('leaves an event that was not awaited to later calls', async () => {
    const stream = await open();
    await sse.broadcast('orders/7', 'shipped', 7);
    await failure(() => stream.next('paid', { timeoutMs: 10 }));
    expect((await stream.next('shipped')).data).toBe(7);
  });

  it('reports the gap of a client that was away too long, and of an invalid id', async () => {
    const stream = await open();
    await stream.close();
    for (const n of [1, 2, 3]) await sse.broadcast('orders/7', 'paid', n);
    await stream.reconnect();
    await stream.next('sse:gap');
    expect(stream.gaps).toEqual([expect.objectContaining({ reason: 'trimmed', rooms: ['orders/7'] })]);
    await stream.reconnect({ lastEventId: 'made-up' });
    await stream.next('paid');
    expect(stream.gaps.map(({ reason }) => reason)).toContain('invalid');
  });

  it('is a new client with lastEventId: false', async () => {
    const stream = await open();
    await stream.close();
    await sse.broadcast('orders/7', 'paid', 1);
    await stream.reconnect({ lastEventId: false });
    await stream.expectNothing(20);
  });

  it('closes its connection, so that the server forgets the client', async () => {
    await (await open()).close();
    await eventually(() => sse.count() === 0, 'no client');
  });

  it('without rooms is opened with ready: false, as the error says', async () => {
    const options = { timeoutMs: 1_500 };
    expect(await failure(() => openTestStream(app, '/roomless', options))).toContain('{ ready: false }');
    const stream = await openTestStream(app, '/roomless', { ready: false });
    await eventually(() => sse.count() > 0, 'a client');
    for (const client of sse.clients()) client.send('hello', 1);
    expect((await stream.next('hello')).data).toBe(1);
  });

  it('of an application that ends its streams by itself does not keep app.close() waiting', async () => {
    const stream = await open();
    await app.close();
    expect(await stream.end()).toBe('ended');
  });
});

describe.each(http2Platforms)('a stream of a test over HTTP/2, on $name', (platform) => {
  promisesOfStreams(platform);

  it('is opened by URL with http2: true, by GET and by POST, and is ended by the server', async () => {
    await app.listen(0, '127.0.0.1');
    // `getUrl()` of Nest 11 names a secure server over HTTP/2 with `http:`.
    const scheme = app.getHttpServer() instanceof TlsServer ? 'https' : 'http';
    const url = `${(await app.getUrl()).replace(/^https?/, scheme)}/orders/7/events`;
    const stream = await openTestStream(url, { http2: true });
    const posted = await openTestStream(url, { http2: true, body: { a: 1 } });
    await sse.broadcast('orders/7', 'paid', { id: 7 });
    expect((await stream.next('paid')).data).toEqual({ id: 7 });
    expect((await posted.next('paid')).data).toEqual({ id: 7 });
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
    await sse.disconnect({ room: 'orders/7' });
    expect([await stream.end(), await posted.end()]).toEqual(['ended', 'ended']);
  });

  it('has an answer that is no stream as an error with its status and body', async () => {
    const error = await refusal(() => open('/refused'));
    expect(error).toMatchObject({ status: 403, body: expect.stringContaining('not yours') as string });
  });
});

/** Of an authority that has not signed the certificate of the tests. */
const otherCertificate = rootCertificates[0] as string;

/** Starts a server over TLS. @returns its URL, and what stops it */
async function serve(handler: RequestListener): Promise<{ url: string; close: () => void }> {
  const server = createHttpsServer({ key: throwAwayKey, cert: throwAwayCertificate }, handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `https://127.0.0.1:${port}/`, close };
}

describe('a stream of a test over HTTPS', () => {
  afterEach(closeTestStreams);

  it('accepts a self-signed certificate, and with ca only that one', async () => {
    const { url, close } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: 1\n\n');
    });
    try {
      for (const ca of [undefined, throwAwayCertificate, [otherCertificate, throwAwayCertificate]]) {
        const stream = await openTestStream(url, { ready: false, ...(ca !== undefined && { ca }) });
        expect((await stream.next()).data).toBe(1);
      }
      const message = await failure(() => openTestStream(url, { ready: false, ca: otherCertificate }));
      expect(message).toMatch(/cannot be reached: .*(self-signed|unable to verify)/);
    } finally {
      close();
    }
  });

  it('of a server without HTTP/2 is an error with http2: true', async () => {
    const { url, close } = await serve((_request, response) => void response.end());
    try {
      expect(await failure(() => openTestStream(url, { http2: true }))).toContain(`${url} cannot be reached`);
    } finally {
      close();
    }
  });
});

describe('a stream of a test', () => {
  afterEach(closeTestStreams);

  it('of a server that cannot be reached names its URL', async () => {
    expect(await failure(() => openTestStream('http://127.0.0.1:1/events'))).toMatch(
      /^http:\/\/127\.0\.0\.1:1\/events cannot be reached: .*ECONNREFUSED/,
    );
  });

  it('of a server that does not answer names its deadline', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const opening = failure(() => openTestStream(`http://127.0.0.1:${port}/`, { timeoutMs: 50 }));
    expect(await opening).toContain('was not answered within 50 ms');
    server.close();
    server.closeAllConnections();
  });

  it('cut at any byte returns whole events only, each as it was sent', async () => {
    const texts = ['é', '{"a":"😀"}', 'plain'];
    const body = Buffer.from(texts.map((text, n) => `id: ${n}\ndata: ${text}\n\n`).join(''));
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(body);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: body.length - 1 }), async (cutAtByte) => {
          const stream = await openTestStream(`http://127.0.0.1:${port}/`, { cutAtByte, ready: false });
          expect(await stream.end()).toBe('cut');
          const whole = body.subarray(0, cutAtByte).toString().split('\n\n').length - 1;
          expect(stream.events.map(({ text }) => text)).toEqual(texts.slice(0, whole));
          await stream.close();
        }),
        { numRuns: 30 },
      );
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
