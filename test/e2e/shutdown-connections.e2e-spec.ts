import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Agent as HttpsAgent, request as requestOverTls } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Controller, Get } from '@nestjs/common';
import { ServerConnections } from '../../src/endpoint/server-connections.js';
import { openStream } from '../support/event-stream.js';
import { http2Platforms, platforms, type Platform, type StartOptions } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import type { RunningApp } from '../support/running-app.js';
import { testApp } from '../support/test.controller.js';
import { throwAwayCertificate, throwAwayKey } from '../support/throw-away-certificate.js';
import { eventually, within } from '../support/within.js';

@Controller()
class SlowController {
  /** Called by a request of `slow`, which then waits for `release`. */
  onRequest: () => void = () => {};
  release: () => void = () => {};

  @Get('quick')
  quick(): string {
    return 'whole';
  }

  @Get('slow')
  async slow(): Promise<string> {
    const released = new Promise<void>((resolve) => (this.release = resolve));
    this.onRequest();
    await released;
    return 'whole';
  }
}

async function start(platform: Platform, options?: StartOptions): Promise<RunningApp> {
  const running = await platform.start(testApp({ controllers: [SlowController] }), options);
  // A close that waits for an idle connection never ends within a test.
  running.server.keepAliveTimeout = 600_000;
  return running;
}

function send(running: RunningApp, path: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(`${running.url}${path}`, { agent }).once('response', resolve).once('error', reject).end();
  });
}

async function textOf(response: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const part of response) text += part.toString();
  return text;
}

/** Begins a request of `slow` with `begin`. Resolves when its handler waits. */
async function whenSlow<T>(running: RunningApp, begin: () => T): Promise<T> {
  const reached = new Promise<void>((resolve) => (running.get(SlowController).onRequest = resolve));
  const begun = begin();
  await within(reached, 'the handler');
  return begun;
}

describe.each(platforms)('app.close() on $name', (platform) => {
  it('is not held up by connections that are kept alive, nor by those without a request so far', async () => {
    const running = await start(platform);
    const agent = new Agent({ keepAlive: true });
    expect(await textOf(await send(running, '/quick', agent))).toBe('whole');
    const silent = connect(portOf(running.server), '127.0.0.1').on('error', () => {});
    await once(silent, 'connect');
    await eventually(async () => (await connectionsOf(running)) === 2, 'both connections on the server');
    await within(running.shutDown(), 'the close of the application');
    agent.destroy();
  });

  it('answers requests in flight whole, and is not held up by their connections afterwards', async () => {
    const running = await start(platform);
    const agent = new Agent({ keepAlive: true });
    const slow = await whenSlow(running, () => ({ response: send(running, '/slow', agent) }));
    const closing = running.shutDown();
    await eventually(() => !running.server.listening, 'the end of listening');
    running.get(SlowController).release();
    expect(await textOf(await slow.response)).toBe('whole');
    await within(closing, 'the close of the application');
    agent.destroy();
  });
});

describe('app.close() on express over TLS', () => {
  it('is not held up by connections that are kept alive, without a request, or without a handshake so far', async () => {
    const express = platforms[0] as Platform;
    const tls = { key: throwAwayKey, cert: throwAwayCertificate };
    const running = await start(express, { nest: { httpsOptions: tls } });
    const port = portOf(running.server);
    const agent = new HttpsAgent({ keepAlive: true, rejectUnauthorized: false });
    const used = requestOverTls({ port, path: '/quick', agent }).end();
    expect(await textOf(((await once(used, 'response')) as [IncomingMessage])[0])).toBe('whole');
    const silent = connectTls({ port, rejectUnauthorized: false }).on('error', () => {});
    await once(silent, 'secureConnect');
    const bare = connect(port, '127.0.0.1').on('error', () => {});
    await once(bare, 'connect');
    await eventually(async () => (await connectionsOf(running)) === 3, 'all connections on the server');
    await within(running.shutDown(), 'the close of the application');
    agent.destroy();
  });
});

describe.each(http2Platforms)('app.close() on $name', (platform) => {
  it('is not held up by idle sessions of which the streams have ended, nor by a connection that sends nothing', async () => {
    const running = await start(platform);
    const sessions = Array.from({ length: 3 }, () =>
      connectHttp2(running.url, { rejectUnauthorized: false }).on('error', () => {}),
    );
    for (const session of sessions) {
      const stream = await openStream(`${running.url}/rooms/lobby`, { session });
      await eventually(() => running.sse.count() === 1, 'the client');
      stream.close();
      await eventually(() => running.sse.count() === 0, 'the end of the stream');
      expect(await textOf(session.request({ ':path': '/quick' }))).toBe('whole');
    }
    const bare = connect(portOf(running.server), '127.0.0.1').on('error', () => {});
    await once(bare, 'connect');
    await eventually(async () => (await connectionsOf(running)) === 4, 'all connections on the server');
    await within(running.shutDown(), 'the close of the application');
    expect(sessions.map(({ closed }) => closed)).toEqual([true, true, true]);
  });

  it('is not held up by a session that has carried no stream, and answers requests in flight whole', async () => {
    const running = await start(platform);
    const idle = connectHttp2(running.url, { rejectUnauthorized: false }).on('error', () => {});
    const busy = connectHttp2(running.url, { rejectUnauthorized: false }).on('error', () => {});
    await Promise.all([once(idle, 'connect'), once(busy, 'connect')]);
    const slow = await whenSlow(running, () => busy.request({ ':path': '/slow' }));
    const closing = running.shutDown();
    await eventually(() => idle.closed, 'the end of the idle session');
    running.get(SlowController).release();
    expect(await textOf(slow)).toBe('whole');
    await within(closing, 'the close of the application');
  });
});

describe('app.close() without the closing of idle connections', () => {
  it('is held up by one, so that these tests catch it', async () => {
    // Restored unchanged.
    // oxlint-disable-next-line typescript/unbound-method
    const { closeIdle } = ServerConnections.prototype;
    ServerConnections.prototype.closeIdle = () => {};
    try {
      const running = await start(platforms[0] as Platform);
      const silent = connect(portOf(running.server), '127.0.0.1').on('error', () => {});
      await once(silent, 'connect');
      await eventually(async () => (await connectionsOf(running)) === 1, 'the connection on the server');
      let isClosed = false;
      const closing = running.shutDown().then(() => (isClosed = true));
      await eventually(() => !running.server.listening, 'the end of listening');
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(isClosed).toBe(false);
      silent.destroy();
      await within(closing, 'the close of the application');
    } finally {
      ServerConnections.prototype.closeIdle = closeIdle;
    }
  });
});

function connectionsOf({ server }: RunningApp): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
