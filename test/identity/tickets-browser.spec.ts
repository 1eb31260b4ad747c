import { readFileSync } from 'node:fs';
import { Controller, Get, Header, Param, Post, UseGuards } from '@nestjs/common';
import { SseRoom, SseService, SseTicketGuard } from 'nestjs-simple-sse';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { CuttingProxy } from '../resume/cutting-proxy.js';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { platforms } from '../support/platforms.js';
import { chosenSeed } from '../support/seeds.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, PATIENCE_MS, pause } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

const LONG_MS = 60_000;
const CUTS = 12;

/** The program of the page in docs/15-identity.md, without its pause before a new ticket. */
const [, documented = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync('docs/15-identity.md', 'utf8')) ?? [];
const PAGE = `<!doctype html><title>Orders</title><script>
  const token = 'of a user', received = [], gaps = [], sources = [];
  const show = (text) => received.push(text);
  const Native = EventSource;
  EventSource = class extends Native {
    constructor(url) {
      super(url);
      sources.push(this);
      this.addEventListener('sse:gap', ({ data }) => gaps.push(data));
    }
  };
  ${documented.replace('3_000', '10')}
</script>`;

/** A request for the stream, as the server received it. */
interface Seen {
  readonly url: string;
  readonly hasCookie: boolean;
}
let seen: Seen[] = [];

@Controller('orders')
class OrdersController {
  constructor(private readonly sse: SseService) {}

  @Get('page')
  @Header('content-type', 'text/html')
  page(): string {
    return PAGE;
  }

  @Post(':id/tickets')
  async ticket(@Param('id') id: string): Promise<{ ticket: string }> {
    return { ticket: await this.sse.tickets.issue({ user: 'ann', rooms: [`orders/${id}`] }) };
  }

  @Get(':id/events')
  @UseGuards(SseTicketGuard)
  @SseRoom('orders/:id')
  events(): void {}
}

describeUnless(noBrowser, 'the page of docs/15-identity.md in Chromium', () => {
  const seed = chosenSeed();
  let browser: Browser;
  let running: RunningApp;
  let proxy: CuttingProxy;
  let page: Awaited<ReturnType<Browser['context']['newPage']>>;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  async function start(platform: (typeof platforms)[number]): Promise<void> {
    seen = [];
    running = await platform.start(
      sseApp({
        controllers: [OrdersController],
        options: { tickets: {}, retryMs: 1, historyMaxEvents: 100_000 },
      }),
      {
        configure: (app) =>
          app.use((request: { url: string; headers: { cookie?: string } }, _: unknown, next: () => void) => {
            const { url, headers } = request;
            if (url.includes('/events')) seen.push({ url, hasCookie: headers.cookie !== undefined });
            next();
          }),
      },
    );
    const random = seededRandom(seed);
    proxy = await CuttingProxy.start(running.url, () => Math.ceil(8_000 * random()));
    // A cookie belongs to a host with all its ports, and so to the servers of other tests too.
    await browser.context.clearCookies();
    page = await browser.context.newPage();
    await page.goto(`${proxy.url}/orders/page`);
    await page.evaluate('connect()');
    await eventually(() => running.sse.count('orders/7') === 1, 'the client', PATIENCE_MS);
  }
  afterEach(async () => {
    await page.close();
    proxy.close();
    await running.close();
  });

  const receivedInPage = (): Promise<string[]> => page.evaluate<string[]>('received');

  /** Publishes while connections are cut, and expects each event once and in order. */
  async function expectEverything(cuts: number, afterEach: () => Promise<unknown>): Promise<void> {
    await running.sse.broadcast('orders/7', 'paid', '0');
    await eventually(async () => (await receivedInPage()).length === 1, 'the first event', PATIENCE_MS);
    let count = 1;
    for (let cut = 1; cut <= cuts; cut++) {
      proxy.isCutting = true;
      for (; proxy.cuts < cut && count < 50_000; count++) {
        await running.sse.broadcast('orders/7', 'paid', `${count} ${'x'.repeat(300)}`);
        if (count % 5 === 0) await pause(2);
      }
      proxy.isCutting = false;
      await afterEach();
    }
    await running.sse.broadcast('orders/7', 'paid', `${count}`);
    const isComplete = async (): Promise<boolean> => (await receivedInPage()).at(-1) === `${count}`;
    await eventually(isComplete, 'the last event', PATIENCE_MS);
    const numbers = (await receivedInPage()).map((text) => parseInt(text, 10));
    expect(numbers).toEqual(Array.from({ length: count + 1 }, (_, n) => n));
    expect(await page.evaluate('gaps')).toEqual([]);
  }

  it.each(platforms)(
    `reconnects after each cut with the used ticket and its cookie, and misses nothing, on $name (SEED=${seed})`,
    async (platform) => {
      await start(platform);
      await expectEverything(CUTS, () => Promise.resolve());
      expect(seen.length).toBeGreaterThan(CUTS);
      expect(new Set(seen.map(({ url }) => url)).size).toBe(1);
      expect(seen.map(({ hasCookie }) => hasCookie)).toEqual(seen.map((_, index) => index > 0));
      expect(await page.evaluate('sources.length')).toBe(1);
      expect([...running.sse.clients()].map(({ user }) => user)).toEqual(['ann']);
      // Scripts of the page never see the secret.
      expect(await page.evaluate('document.cookie')).toBe('');
    },
    LONG_MS,
  );

  it.each(platforms)(
    `is denied without the cookie, asks for a new ticket and misses nothing, on $name (SEED=${seed})`,
    async (platform) => {
      await start(platform);
      const denials = 3;
      // A connection without a cookie is made: the browser forgets the one of the last answer before the cut.
      await browser.context.clearCookies();
      await expectEverything(denials, async () => {
        await eventually(isBack, 'the stream with the next ticket', PATIENCE_MS);
        await browser.context.clearCookies();
      });
      expect(await deniedSources()).toBe(denials);
      expect(seen.every(({ hasCookie }) => !hasCookie)).toBe(true);
      // Each ticket: its stream, and the reconnect that was denied.
      expect(new Set(seen.map(({ url }) => url.replace(/&lastEventId.*/, ''))).size).toBe(denials + 1);
    },
    LONG_MS,
  );

  async function isBack(): Promise<boolean> {
    return new Set(seen.map(({ url }) => url)).size > (await deniedSources()) && running.sse.count() === 1;
  }

  function deniedSources(): Promise<number> {
    return page.evaluate<number>('sources.filter(({ readyState }) => readyState === 2).length');
  }
});
