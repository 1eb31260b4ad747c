import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Page } from 'playwright-core';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { fastify } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, PATIENCE_MS } from '../support/within.js';
import { PaidOrders, PaidOrdersController } from './code/paid-orders.js';
import { angularWithZone, bundled, recipes } from './framework-bundles.js';
import type { RunningApp } from '../support/running-app.js';

const PAGE = `<!doctype html><title>recipe</title><link rel="icon" href="data:,">
  <div id="app"></div><script src="/recipe.js"></script>`;
const LONG_MS = 60_000;

describe('the recipes for frameworks', () => {
  it(
    'compile',
    async () => {
      const tsc = promisify(execFile)(process.execPath, [
        'node_modules/typescript/bin/tsc',
        '--project',
        'test/recipes/browser',
      ]);
      await expect(tsc.catch(({ stdout }: { stdout: string }) => stdout)).resolves.toMatchObject({
        stdout: '',
      });
    },
    LONG_MS,
  );
});

describeUnless(noBrowser, 'the recipes for frameworks, in Chromium', () => {
  let browser: Browser;
  let running: RunningApp;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    await page.close();
    await running.close();
    expect(faults).toEqual([]);
  });

  /** Opens a page whose only script is this one. */
  async function open(script: string): Promise<void> {
    const module = sseApp({
      controllers: [PaidOrdersController],
      providers: [PaidOrders],
      options: { retryMs: 20, heartbeatIntervalMs: 200 },
    });
    const files: Record<string, readonly [type: string, text: string]> = {
      '/': ['text/html', PAGE],
      '/recipe.js': ['text/javascript; charset=utf-8', script],
    };
    running = await fastify.start(module, {
      configure: (app) =>
        app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
          const [type, text] = files[request.url ?? ''] ?? [];
          if (type === undefined) return next();
          response.setHeader('content-type', type).end(text);
        }),
    });
    faults = [];
    page = await browser.context.newPage();
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(running.url);
  }

  const streams = (count: number): Promise<void> =>
    eventually(() => running.sse.count() === count, `${count} streams`, PATIENCE_MS);

  const lists = (): Promise<string[]> => page.locator('#app ol').allInnerTexts();

  /** Expects the numbers in each list of the page. */
  async function shows(...ids: number[]): Promise<void> {
    const text = ids.join('\n');
    await eventually(
      async () => (await lists()).every((list) => list === text),
      `the orders ${text}`,
      PATIENCE_MS,
    );
    expect((await lists()).length).toBeGreaterThan(0);
  }

  const showsState = (state: string): Promise<void> =>
    page.locator('#app [role=status]').filter({ hasText: state }).first().waitFor({ timeout: PATIENCE_MS });

  it.each(recipes)(
    '$framework shows events and the state of its one stream, and closes it when it is unmounted',
    async (recipe) => {
      await open(await bundled(recipe));
      const orders = running.get(PaidOrders);
      await orders.pay(1);
      await page.evaluate('recipe.mount()');
      await streams(1);
      await showsState('live');
      await shows(1);
      await orders.pay(2);
      await shows(1, 2);
      expect(await running.sse.disconnect({ room: 'orders' })).toBe(1);
      await orders.pay(3);
      await shows(1, 2, 3);
      await streams(1);

      await page.evaluate('recipe.unmount()');
      await streams(0);
      expect(await page.locator('#app ol').count()).toBe(0);
      await page.evaluate('recipe.mount()');
      await streams(1);
      // An order that the snapshot has as well.
      await running.sse.broadcast('orders', 'paid', { id: 3 });
      await orders.pay(4);
      await shows(1, 2, 3, 4);
    },
    LONG_MS,
  );

  it('a recipe that does not close its stream leaves it on the server: the tests above can fail', async () => {
    const script = await bundled(angularWithZone);
    await open(script.replace('onDestroy(() => live.close())', 'onDestroy(() => {})'));
    await page.evaluate('recipe.mount()');
    await streams(1);
    await page.evaluate('recipe.unmount()');
    await receivesHeartbeats();
    expect(running.sse.count()).toBe(2);
  });

  /** Waits until a second stream of the page has received three heartbeats. */
  const receivesHeartbeats = (): Promise<void> =>
    page.evaluate(`new Promise((resolve) => {
      let received = 0;
      const source = new EventSource('/orders/events?sse=heartbeat');
      source.addEventListener('sse:heartbeat', () => ++received === 3 && resolve());
    })`);

  it.each([
    ['runs no change detection for heartbeats', false, (script: string) => script],
    [
      'runs it for each heartbeat inside the zone: the test above can fail',
      true,
      (script: string) => script.replace('.runOutsideAngular(() => connectSse', '.run(() => connectSse'),
    ],
  ])('Angular with zone.js %s', async (_promise, isExpected, changed) => {
    await open(changed(await bundled(angularWithZone)));
    await running.get(PaidOrders).pay(1);
    await page.evaluate('recipe.mount()');
    await showsState('live');
    await shows(1);
    await receivesHeartbeats();
    const before = await page.evaluate<number>('recipe.checks');
    await receivesHeartbeats();
    expect((await page.evaluate<number>('recipe.checks')) > before).toBe(isExpected);
  });
});
