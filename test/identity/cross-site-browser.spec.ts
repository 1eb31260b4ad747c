import { Controller, Get, Header, Req } from '@nestjs/common';
import { SseRoom, type SseModuleOptions } from 'nestjs-simple-sse';
import { http2Platforms, type StartOptions } from '../support/platforms.js';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { sseApp } from '../support/sse-app.js';
import { within } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

/** Headers of each request for a stream that reached a guard or the module. */
interface Seen {
  readonly cookie: string | undefined;
  readonly origin: string | undefined;
  readonly site: string | undefined;
}
let seen: Seen[] = [];

@Controller()
class PageController {
  @Get('page')
  @Header('content-type', 'text/html')
  @Header('set-cookie', 'session=1; HttpOnly; Secure; SameSite=None; Path=/')
  page(): string {
    return '<!doctype html><title>page</title>';
  }

  @Get('stream')
  @SseRoom('lobby')
  stream(@Req() _request: unknown): void {}
}

/** TLS, since browsers send third-party cookies and `Sec-Fetch-Site` to trustworthy origins only. */
const platform = http2Platforms.find(({ scheme }) => scheme === 'https')!;

describeUnless(noBrowser, 'EventSource of Chromium', () => {
  let browser: Browser;
  let running: RunningApp;

  beforeAll(async () => {
    browser = await launchChromium({ ignoreHTTPSErrors: true });
  });
  afterAll(() => browser.close());

  async function start(options: SseModuleOptions = {}, startOptions: StartOptions = {}): Promise<void> {
    seen = [];
    const { configure } = startOptions;
    running = await platform.start(sseApp({ controllers: [PageController], options }), {
      configure: async (app) => {
        app.use((request: { url: string; headers: Record<string, string> }, _: unknown, next: () => void) => {
          const { cookie, origin, 'sec-fetch-site': site } = request.headers;
          if (request.url.startsWith('/stream')) seen.push({ cookie, origin, site });
          next();
        });
        await configure?.(app);
      },
    });
  }
  afterEach(() => running.close());

  /** Opens the stream of this server from a page that calls it by `host`, and returns what the page sees first. */
  async function openFrom(host: string, withCredentials: boolean): Promise<string> {
    const page = await browser.context.newPage();
    try {
      // Sets the cookie for the host of the stream.
      await page.goto(`${running.url}/page`);
      await page.goto(`${running.url.replace('127.0.0.1', host)}/page`);
      const outcome = page.evaluate<string>(`new Promise((resolve) => {
        const source = new EventSource('${running.url}/stream', { withCredentials: ${withCredentials} });
        source.onopen = () => { source.close(); resolve('open'); };
        source.onerror = () => { resolve(source.readyState === EventSource.CLOSED ? 'closed' : 'reconnects'); source.close(); };
      })`);
      return await within(outcome, 'the outcome in the page');
    } finally {
      await page.close();
    }
  }

  it('opens a stream with the cookie from a page of the same origin', async () => {
    await start();
    expect(await openFrom('127.0.0.1', true)).toBe('open');
    expect(seen).toEqual([{ cookie: 'session=1', origin: undefined, site: 'same-origin' }]);
  });

  it('is closed by 403 on a page of another site whose request carries the cookie, and no client is left', async () => {
    await start();
    let connected = 0;
    running.sse.connected$.subscribe(() => connected++);
    expect(await openFrom('localhost', true)).toBe('closed');
    expect(seen).toMatchObject([{ cookie: 'session=1', site: 'cross-site' }]);
    expect(seen[0]?.origin).toMatch(/^https:\/\/localhost:/);
    expect(connected).toBe(0);
  });

  it('opens a stream from another site without credentials where CORS allows every origin', async () => {
    await start({}, { configure: (app) => app.enableCors() });
    expect(await openFrom('localhost', false)).toBe('open');
    expect(seen).toMatchObject([{ cookie: undefined, site: 'cross-site' }]);
  });

  it('opens a stream with the cookie from another site that CORS allows', async () => {
    await start(
      {},
      {
        configure: (app) => app.enableCors({ origin: /^https:\/\/localhost:\d+$/, credentials: true }),
      },
    );
    expect(await openFrom('localhost', true)).toBe('open');
    expect(seen).toMatchObject([{ cookie: 'session=1', site: 'cross-site' }]);
  });
});
