import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import { SseRoom, SseService, SseTicketGuard } from 'nestjs-simple-sse';
import type { Page } from 'playwright-core';
import { CuttingProxy } from '../resume/cutting-proxy.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { fastify, platforms } from '../support/platforms.js';
import { chosenSeed } from '../support/seeds.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause } from '../support/within.js';
import { FaultyProxy } from './faulty-proxy.js';
import { serveClient } from './served-client.js';
import type { RunningApp } from '../support/running-app.js';

const LONG_MS = 60_000;

@Controller()
class NumbersController {
  constructor(private readonly sse: SseService) {}

  @Get('numbers')
  @SseRoom('numbers')
  numbers(): void {}

  @Get('guarded')
  @UseGuards(SseTicketGuard)
  @SseRoom('numbers')
  guarded(): void {}

  @Post('tickets')
  async tickets(): Promise<{ ticket: string }> {
    return { ticket: await this.sse.tickets.issue({ user: 'ann', ttlMs: 2_000 }) };
  }
}

/** What a page has received. */
interface Seen {
  readonly numbers: number[];
  readonly gaps: string[];
  readonly states: string[];
  readonly errors: string[];
}

const seenBy = (page: Page): Promise<Seen> => page.evaluate<Seen>('seen');

async function start(platform = fastify): Promise<RunningApp> {
  return platform.start(
    sseApp({
      controllers: [NumbersController],
      options: { retryMs: 20, heartbeatIntervalMs: 300, historyMaxEvents: 100_000, tickets: {} },
    }),
    { configure: (app) => serveClient(app) },
  );
}

async function receivesUpTo(page: Page, last: number): Promise<void> {
  const counted = Array.from({ length: last + 1 }, (_, n) => n);
  await eventually(async () => (await seenBy(page)).numbers.at(-1) === last, `the number ${last}`);
  expect((await seenBy(page)).numbers).toEqual(counted);
}

describeUnless(noBrowser, 'the client in Chromium', () => {
  let browser: Browser;
  let running: RunningApp;
  let proxy: FaultyProxy | CuttingProxy;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    for (const page of browser.context.pages()) await page.close();
    proxy.close();
    await running.close();
  });

  async function startBehindFaults(): Promise<FaultyProxy> {
    running = await start();
    return (proxy = await FaultyProxy.start(running.url));
  }

  /** Opens a page whose client writes what it receives into `seen`. `options` is the text of an object. */
  async function open(path: string, options = '{}'): Promise<Page> {
    const page = await browser.context.newPage();
    await page.goto(`${proxy.url}/page`);
    await page.waitForFunction('window.isLoaded');
    await page.evaluate(`{
      window.seen = { numbers: [], gaps: [], states: [], errors: [] };
      window.live = connectSse('${path}', { maxRetryMs: 50, onError: (error) => seen.errors.push(error.code), ...${options} });
      live.on('n', (n) => seen.numbers.push(n));
      live.onGap(({ reason }) => seen.gaps.push(reason));
      live.onState((state, { reason, status = '' }) => seen.states.push((state + ': ' + reason + ' ' + status).trim()));
    }`);
    await eventually(() => running.sse.count('numbers') > 0, 'the client');
    return page;
  }

  const publish = (n: number): Promise<unknown> => running.sse.broadcast('numbers', 'n', n);

  describe.each(platforms)('on $name', (platform) => {
    it.each([
      ['EventSource', '{}'],
      ['fetch', "{ transport: 'fetch' }"],
    ])(
      'loads without a bundler, and receives everything once and in order over %s that is cut at any byte',
      async (_name, options) => {
        running = await start(platform);
        const random = seededRandom(chosenSeed());
        const cutting = (proxy = await CuttingProxy.start(running.url, () =>
          Math.ceil(8_000 * random() ** 2),
        ));
        const page = await open('/numbers', options);
        await publish(0);
        await receivesUpTo(page, 0);
        cutting.isCutting = true;
        let count = 1;
        for (; cutting.cuts < 12; count++) {
          await running.sse.broadcast('numbers', 'n', count);
          if (count % 5 === 0) await pause(2);
        }
        cutting.isCutting = false;
        await publish(count);
        await receivesUpTo(page, count);
        expect((await seenBy(page)).gaps).toEqual([]);
      },
      LONG_MS,
    );
  });

  it('comes back after 503, where EventSource alone is closed for good', async () => {
    const faults = await startBehindFaults();
    const page = await open('/numbers');
    await page.evaluate("window.plain = new EventSource('/numbers')");
    await publish(0);
    await receivesUpTo(page, 0);
    faults.fault = 'status';
    faults.cut();
    await eventually(async () => (await page.evaluate('plain.readyState')) === 2, 'the end of EventSource');
    await eventually(
      async () => (await seenBy(page)).states.filter((state) => state === 'waiting: refused 503').length > 1,
      'a second refusal',
    );
    await publish(1);
    faults.fault = 'none';
    await publish(2);
    await receivesUpTo(page, 2);
    expect((await seenBy(page)).gaps).toEqual([]);
  });

  it('comes back when the server is another one, and reports the gap', async () => {
    const faults = await startBehindFaults();
    const page = await open('/numbers');
    await publish(0);
    await receivesUpTo(page, 0);
    faults.fault = 'reset';
    await running.close();
    faults.cut();
    await eventually(() => faults.refused > 1, 'attempts without a server');
    running = await start();
    faults.target = new URL(running.url);
    faults.fault = 'none';
    await eventually(() => running.sse.count('numbers') === 1, 'the client');
    await publish(1);
    await receivesUpTo(page, 1);
    expect((await seenBy(page)).gaps).toEqual(['epoch']);
  });

  it.each([
    ['EventSource', '{}'],
    ['fetch', "{ transport: 'fetch' }"],
  ])('leaves a connection over %s on which nothing arrives any more', async (_name, options) => {
    const faults = await startBehindFaults();
    const page = await open('/numbers', options);
    await publish(0);
    await receivesUpTo(page, 0);
    faults.fault = 'silence';
    await publish(1);
    await eventually(
      async () => (await seenBy(page)).states.includes('connecting: silence'),
      'a stream that is found dead',
    );
    expect((await seenBy(page)).states).toContain('stale: silence');
    faults.fault = 'none';
    faults.cut();
    await receivesUpTo(page, 1);
    expect((await seenBy(page)).gaps).toEqual([]);
  });

  it('without its watchdog stays on a connection on which nothing arrives: the test above can fail', async () => {
    const faults = await startBehindFaults();
    const page = await open('/numbers', '{ watchdog: false }');
    await publish(0);
    await receivesUpTo(page, 0);
    faults.fault = 'silence';
    await publish(1);
    await pause(2_000);
    expect((await seenBy(page)).states.at(-1)).toBe('live: open');
  });

  it('finds a stream dead that ended while its page was frozen', async () => {
    const faults = await startBehindFaults();
    const page = await open('/numbers');
    await publish(0);
    await receivesUpTo(page, 0);
    const devtools = await browser.context.newCDPSession(page);
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    faults.fault = 'silence';
    await publish(1);
    await pause(1_000);
    faults.fault = 'none';
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    await receivesUpTo(page, 1);
  });

  it('asks for a new ticket when the old one is not taken any more', async () => {
    const faults = await startBehindFaults();
    const page = await open(
      '/guarded',
      "{ ticket: () => fetch('/tickets', { method: 'POST' }).then((answer) => answer.json()) }",
    );
    await publish(0);
    await receivesUpTo(page, 0);
    await browser.context.clearCookies();
    faults.cut();
    await publish(1);
    await receivesUpTo(page, 1);
    expect((await seenBy(page)).errors).toEqual([]);
  });

  it('gives up after 401, and says so', async () => {
    const faults = await startBehindFaults();
    const page = await open('/numbers');
    faults.answer = faults.answer.replace('503 Service Unavailable', '401 Unauthorized');
    faults.fault = 'status';
    faults.cut();
    await eventually(
      async () => (await seenBy(page)).states.at(-1) === 'closed: refused 401',
      'the end of the client',
    );
    expect((await seenBy(page)).errors).toEqual(['refused']);
  });
});
