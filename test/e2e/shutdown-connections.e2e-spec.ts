import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { Controller, Get } from '@nestjs/common';
import { ServerConnections } from '../../src/endpoint/server-connections.js';
import { http2Platforms, platforms, type Platform } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import type { RunningApp } from '../support/running-app.js';
import { testApp } from '../support/test.controller.js';
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

async function start(platform: Platform): Promise<RunningApp> {
  const running = await platform.start(testApp({ controllers: [SlowController] }));
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

describe.each(http2Platforms)('app.close() on $name', (platform) => {
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
