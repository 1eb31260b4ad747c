import { Controller, Get } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import type { Page } from 'playwright-core';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { fastify } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause, PATIENCE_MS } from '../support/within.js';
import { FaultyProxy } from './faulty-proxy.js';
import { serveClient } from './served-client.js';
import { crash } from './tabs.js';
import type { RunningApp } from '../support/running-app.js';

const LONG_MS = 90_000;

@Controller()
class NumbersController {
  /** Answers the request that keeps a tab busy. */
  release: (() => void) | undefined;

  @Get('numbers')
  @SseRoom('numbers')
  numbers(): void {}

  /** Answers when `release` is called. */
  @Get('busy')
  busy(): Promise<void> {
    return new Promise((resolve) => (this.release = resolve));
  }
}

/** Lets a tab leave a leader that hangs after two seconds, not 18. */
const withShortInterval = (text: string): string =>
  text.replace('LEADER_INTERVAL_MS = 8_000', 'LEADER_INTERVAL_MS = 1_000');

describeUnless(noBrowser, 'a client that tabs share, in Chromium', () => {
  let browser: Browser;
  let running: RunningApp;
  let proxy: FaultyProxy;
  /** The last number that was published. */
  let last: number;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  beforeEach(() => {
    last = 0;
  });
  afterEach(async () => {
    for (const page of browser.context.pages()) await page.close();
    proxy.close();
    await running.close();
  });

  async function start(changed?: (text: string) => string): Promise<void> {
    running = await fastify.start(
      sseApp({ controllers: [NumbersController], options: { retryMs: 20, heartbeatIntervalMs: 1_000 } }),
      { configure: (app) => serveClient(app, changed) },
    );
    proxy = await FaultyProxy.start(running.url);
  }

  /** Opens a tab, and waits until its state is `live`. */
  async function open(): Promise<Page> {
    const page = await browser.context.newPage();
    await page.goto(`${proxy.url}/page`);
    await page.waitForFunction('window.isLoaded');
    await page.evaluate(`{
      window.numbers = [];
      window.faults = [];
      window.live = connectSse('/numbers', {
        share: true,
        maxRetryMs: 50,
        onError: (error) => faults.push(error.message),
      });
      live.on('n', (n) => numbers.push(n));
    }`);
    await eventually(async () => (await stateOf(page)) === 'live', 'a live tab', PATIENCE_MS);
    return page;
  }

  const publish = (): Promise<unknown> => running.sse.broadcast('numbers', 'n', ++last);

  /** Expects that a tab has received each number from `first` to the last one, once and in order. */
  async function expectAll(page: Page, first: number): Promise<void> {
    await eventually(async () => (await numbersOf(page)).at(-1) === last, `the number ${last}`, PATIENCE_MS);
    expect(await numbersOf(page)).toEqual(Array.from({ length: last - first + 1 }, (_, n) => first + n));
    expect(await page.evaluate('faults')).toEqual([]);
  }

  /** Ends the leader while the server cannot be reached, and publishes meanwhile. */
  async function publishWithoutLeader(leader: Page, other: Page): Promise<void> {
    await publish();
    await expectAll(other, 1);
    proxy.fault = 'reset';
    proxy.cut();
    await leader.close();
    await eventually(() => running.sse.count('numbers') === 0, 'the end of the stream');
    for (let n = 0; n < 5; n++) await publish();
    proxy.fault = 'none';
    await eventually(() => running.sse.count('numbers') === 1, 'the next leader', PATIENCE_MS);
    await eventually(async () => (await stateOf(other)) === 'live', 'a live tab', PATIENCE_MS);
  }

  it(
    'opens one connection, and gives each tab everything from its opening on, also when leaders are closed or crash',
    async () => {
      await start();
      const [first, second] = [await open(), await open()];
      await publish();
      await expectAll(second, 1);
      const [third, fourth] = [await open(), await open()];
      await publish();
      await expectAll(first, 1);
      expect(running.sse.count('numbers')).toBe(1);
      for (const end of [() => first.close(), () => crash(browser, second)]) {
        await end();
        for (let n = 0; n < 20; n++) {
          await publish();
          await pause(5);
        }
        await expectAll(third, 2);
        await expectAll(fourth, 2);
        expect(running.sse.count('numbers')).toBe(1);
      }
    },
    LONG_MS,
  );

  it(
    'hands the position over: what is published while no tab leads reaches the others',
    async () => {
      await start();
      const [first, second] = [await open(), await open()];
      await publishWithoutLeader(first, second);
      await expectAll(second, 1);
    },
    LONG_MS,
  );

  it(
    'without the position of the leader before loses events: the test above can fail',
    async () => {
      await start((text) => text.replace('lastEventId: sentPosition', "lastEventId: ''"));
      const [first, second] = [await open(), await open()];
      await publishWithoutLeader(first, second);
      await publish();
      await eventually(async () => (await numbersOf(second)).at(-1) === last, 'the last number', PATIENCE_MS);
      expect(await numbersOf(second)).toEqual([1, last]);
    },
    LONG_MS,
  );

  it(
    'leaves a leader that hangs, which follows when it goes on',
    async () => {
      await start(withShortInterval);
      const [first, second] = [await open(), await open()];
      await publish();
      await expectAll(second, 1);
      // A request that blocks the whole tab until it is answered.
      const hang = first.evaluate(
        "{ const request = new XMLHttpRequest(); request.open('GET', '/busy', false); request.send(); }",
      );
      await eventually(() => running.get(NumbersController).release, 'a busy tab', PATIENCE_MS);
      await publish();
      await expectAll(second, 1);
      running.get(NumbersController).release?.();
      await hang;
      await publish();
      await expectAll(first, 1);
      await expectAll(second, 1);
      await eventually(() => running.sse.count('numbers') === 1, 'one stream', PATIENCE_MS);
    },
    LONG_MS,
  );
});

function stateOf(page: Page): Promise<string> {
  return page.evaluate<string>('live.state');
}

function numbersOf(page: Page): Promise<number[]> {
  return page.evaluate<number[]>('numbers');
}
