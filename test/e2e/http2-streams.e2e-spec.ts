import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { runInNewContext } from 'node:vm';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { http2Platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { throwAwayCertificate, throwAwayKey } from '../support/throw-away-certificate.js';
import { eventually, someTurns, within } from '../support/within.js';
import { TestController } from '../support/test.controller.js';
import type { RunningApp } from '../support/running-app.js';

/** The adapter of docs/08-production.md. */
function documentedAdapter(limit: number): FastifyAdapter {
  const page = readFileSync('docs/08-production.md', 'utf8');
  const [expression = ''] = /new FastifyAdapter\(\{[^]*?\n\}\)/.exec(page) ?? [];
  expect(expression).toContain('maxConcurrentStreams: 100');
  const files: Record<string, string> = { 'key.pem': throwAwayKey, 'cert.pem': throwAwayCertificate };
  return runInNewContext(expression.replace('Streams: 100', `Streams: ${limit}`), {
    FastifyAdapter,
    readFileSync: (name: string) => files[name],
  }) as FastifyAdapter;
}

const [, tls] = http2Platforms;

describe('Fastify over HTTP/2 with the documented maxConcurrentStreams', () => {
  let running: RunningApp;
  let session: ClientHttp2Session;

  async function start(limit: number): Promise<void> {
    if (tls === undefined) throw new Error('no platform with TLS');
    running = await tls.start(sseApp({ controllers: [TestController] }), {
      adapter: documentedAdapter(limit),
    });
    session = connect(running.url, { rejectUnauthorized: false });
    session.on('error', () => {});
  }
  afterEach(async () => {
    session.destroy();
    await eventually(() => running.sse.count() === 0, 'every client forgotten');
    expect(running.logger.complaints).toEqual([]);
    await running.close();
  });

  function request(): ClientHttp2Stream {
    const stream = session.request({ ':path': '/rooms/lobby' });
    stream.on('error', () => {});
    stream.resume();
    return stream;
  }

  it('announces the limit of the page', async () => {
    await start(100);
    await within(once(session, 'remoteSettings'), 'the settings');
    expect(session.remoteSettings.maxConcurrentStreams).toBe(100);
  });

  it('opens a stream over the limit once another one has ended', async () => {
    await start(2);
    await within(once(session, 'remoteSettings'), 'the settings');
    const streams = [request(), request(), request()];
    await eventually(() => running.sse.count() === 2, 'two clients');
    await someTurns(50);
    expect(running.sse.count()).toBe(2);
    streams[0]?.close();
    const third = streams[2] as ClientHttp2Stream;
    await within(once(third, 'response'), 'the third stream');
    await eventually(() => running.sse.count() === 2, 'two clients again');
  });

  it('refuses the streams of a client that does not wait for the settings, and leaves no client of them', async () => {
    await start(2);
    const streams = Array.from({ length: 6 }, request);
    await eventually(() => streams.filter(({ closed }) => closed).length === 4, 'four refusals');
    expect(streams.map(({ rstCode }) => rstCode)).toEqual([
      ...Array<number>(2).fill(constants.NGHTTP2_NO_ERROR),
      ...Array<number>(4).fill(constants.NGHTTP2_REFUSED_STREAM),
    ]);
    await eventually(() => running.sse.count() === 2, 'two clients');
    await someTurns(50);
    expect(running.sse.count()).toBe(2);
  });
});
