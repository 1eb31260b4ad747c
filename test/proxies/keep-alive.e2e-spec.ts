import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Post } from '@nestjs/common';
import { jest } from '@jest/globals';
import { describeUnless } from '../support/describe-unless.js';
import { express, fastify } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { testApp } from '../support/test.controller.js';
import { PATIENCE_MS, within } from '../support/within.js';
import { documentedPart, missingProxy, ProxyProcess } from './proxy-process.js';
import type { RunningApp } from '../support/running-app.js';

jest.setTimeout(4 * PATIENCE_MS);

/** Node waits up to a second longer than `keepAliveTimeout`. */
const NODE_BUFFER_MS = 1_000;

@Controller('orders')
class OrdersController {
  @Post()
  create(): object {
    return {};
  }
}

/** Posts from a process of its own: it sends while the event loop of the application is blocked. */
const POST = `
  const [url, sent] = process.argv.slice(1);
  const request = require('node:http').request(url, { method: 'POST' }, (response) => {
    process.stdout.write(String(response.statusCode));
    response.destroy();
  });
  request.on('finish', () => require('node:fs').writeFileSync(sent, ''));
  request.end();
`;

/**
 * Answers the status of a POST that reaches the application in the turn of the event loop in which an idle connection
 * with a `keepAliveTimeout` below half a second is closed: the connections are read after that.
 */
function postWhileTheLoopIsBlocked(url: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'sse-keep-alive-'));
  const sent = join(directory, 'sent');
  const status = new Promise<string>((resolve) => {
    // Timers follow the phase of `setImmediate`, and the reading of sockets follows timers.
    setImmediate(() => {
      const client = spawn(process.execPath, ['-e', POST, url, sent], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      client.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      client.once('close', () => resolve(text));
      const deadline = Date.now() + PATIENCE_MS;
      while (!existsSync(sent) && Date.now() < deadline) block(20);
      block(NODE_BUFFER_MS + 500);
    });
  });
  return within(status, 'the POST is answered').finally(() => rmSync(directory, { recursive: true }));
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describeUnless(missingProxy('nginx'), 'a POST over an idle connection of nginx', () => {
  describe.each([express, fastify])('to $name', (platform) => {
    let app: RunningApp;
    let nginx: ProxyProcess;

    beforeAll(async () => {
      app = await platform.start(testApp({ controllers: [OrdersController] }));
      nginx = await ProxyProcess.start(
        'nginx',
        portOf(app.server),
        documentedPart('docs/08-production.md', 'nginx'),
        8,
      );
    });
    afterAll(async () => {
      await nginx?.stop();
      await app?.close();
    });

    async function postTwice(keepAliveMs: number): Promise<string> {
      app.server.keepAliveTimeout = keepAliveMs;
      const { status } = await fetch(`${nginx.url}/orders`, { method: 'POST' });
      expect(status).toBe(201);
      return postWhileTheLoopIsBlocked(`${nginx.url}/orders`);
    }

    it('is answered with 502 where the application closes the connection first', async () => {
      expect(await postTwice(100)).toBe('502');
    });

    it('is answered by the application with the documented `keepAliveTimeout`', async () => {
      expect(await postTwice(65_000)).toBe('201');
    });
  });
});

describe('idle connections of an application that sets nothing', () => {
  it('are closed after the time of Node on Express, and after 72 s on Fastify', async () => {
    const times: number[] = [];
    for (const platform of [express, fastify]) {
      const app = await platform.start(testApp());
      times.push(app.server.keepAliveTimeout);
      await app.close();
    }
    expect(times).toEqual([createServer().keepAliveTimeout, 72_000]);
  });
});
