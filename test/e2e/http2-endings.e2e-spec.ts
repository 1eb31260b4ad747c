import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { Controller, Get, Post } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom } from 'nestjs-simple-sse';
import { launchChromium, noBrowser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { http2Platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, PATIENCE_MS } from '../support/within.js';

async function* words(): AsyncGenerator<string> {
  yield 'one';
  yield 'last';
}

/** Streams that the server ends: by their source, and by a call. */
@Controller()
class EndingController {
  @Get('source')
  @SseRoom()
  source(): AsyncIterable<string> {
    return words();
  }

  @Post('source')
  @SseRoom()
  posted(): AsyncIterable<string> {
    return words();
  }

  @Get('closed')
  @SseRoom()
  closed(@ConnectedClient() client: SseClient): void {
    client.send('last');
    client.close();
  }

  @Get('page')
  page(): string {
    return 'a page';
  }
}

const PATHS = ['GET /source', 'POST /source', 'GET /closed'];
const LAST = /data: last\n\n$/;

const curl = String(spawnSync('curl', ['--version']).stdout);
const missingCurl =
  curl.includes('HTTP2') || process.env['CI'] === 'true' ? undefined : 'no curl with HTTP/2 is on the PATH';

const overTls = http2Platforms.filter(({ scheme }) => scheme === 'https');

describe.each(overTls)('a stream that the server ends over HTTP/2, on $name,', (platform) => {
  let running: RunningApp;

  beforeEach(async () => {
    running = await platform.start(sseApp({ controllers: [EndingController] }));
  });
  afterEach(() => running.close());

  describeUnless(missingCurl, 'with curl', () => {
    it.each(PATHS)('ends whole, without an error: %s', async (route) => {
      const [method = '', path = ''] = route.split(' ');
      const body = method === 'POST' ? ['-H', 'content-type: application/json', '-d', '{"a":1}'] : [];
      const options = ['-sS', '-k', '--http2', '-N', '-X', method, '-w', 'version %{http_version}', ...body];
      const { stdout } = await promisify(execFile)('curl', [
        ...options,
        '-H',
        'accept: text/event-stream',
        running.url + path,
      ]);
      const [text = '', version] = stdout.split('version ');
      expect(text).toMatch(LAST);
      expect(version).toBe('2');
    });
  });

  describeUnless(noBrowser, 'in Chromium', () => {
    it(
      'is a whole answer to fetch, and an EventSource comes back after it',
      async () => {
        const browser = await launchChromium({ ignoreHTTPSErrors: true });
        try {
          const page = await browser.context.newPage();
          await page.goto(`${running.url}/page`);
          for (const route of PATHS) {
            const [method, path] = route.split(' ');
            // Rejects for a stream that is reset with an error.
            const text = await page.evaluate<string>(
              `fetch('${path}', { method: '${method}', ${method === 'POST' ? `body: '{}', headers: { 'content-type': 'application/json' }` : ''} }).then((answer) => answer.text())`,
            );
            expect([route, text]).toEqual([route, expect.stringMatching(LAST)]);
          }
          expect(
            await page.evaluate(
              `performance.getEntriesByName(location.origin + '/source')[0].nextHopProtocol`,
            ),
          ).toBe('h2');
          await page.evaluate(`
          window.states = [];
          window.source = new EventSource('/closed');
          source.addEventListener('error', () => states.push(source.readyState));
        `);
          await eventually(
            async () => (await page.evaluate<number>('states.length')) > 0,
            'the end',
            PATIENCE_MS,
          );
          // 0 is CONNECTING: it waits for the time of `retry:`. 2 would be CLOSED, for good.
          expect(await page.evaluate('states[0]')).toBe(0);
          await page.evaluate('source.close()');
        } finally {
          await browser.close();
        }
      },
      3 * PATIENCE_MS,
    );
  });
});
