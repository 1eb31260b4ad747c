import { NestFactory } from '@nestjs/core';
import type { INestApplication } from '@nestjs/common';
import type { Page } from 'playwright-core';
import { AppModule } from '../../sample/03-orders/src/app.module.js';
import { serveClient } from '../client/served-client.js';
import { type Browser, launchChromium, noBrowser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { portOf } from '../support/port-of.js';
import { eventually } from '../support/within.js';
import { expectStrictPolicy, expectTextOnly, expectWholePage, onFault } from './page-rules.js';

const PUBLIC = 'sample/03-orders/src/public';

describeUnless(noBrowser, 'the shop with live orders, in Chromium', () => {
  let app: INestApplication;
  let url: string;
  /** A browser for each of two people: cookies of their own. */
  let browsers: Browser[];
  let faults: string[];

  beforeAll(async () => {
    browsers = await Promise.all([launchChromium(), launchChromium()]);
  });
  beforeEach(async () => {
    faults = [];
    app = await NestFactory.create(AppModule.of({ secureCookies: false, importPauseMs: 50 }), {
      logger: ['error', 'warn'],
      abortOnError: false,
    });
    serveClient(app);
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${portOf(app.getHttpServer())}`;
  });
  afterEach(async () => {
    for (const { context } of browsers) {
      for (const page of context.pages()) await page.close();
      await context.clearCookies();
    }
    await app.close();
    expect(faults).toEqual([]);
  });
  afterAll(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
  });

  /** Opens a page. Errors on its console fail the spec. */
  async function open(browser: number, path = ''): Promise<Page> {
    const page = await browsers[browser]!.context.newPage();
    // The page asks whether somebody is signed in.
    onFault(page, (text) => faults.push(text), /401 \(Unauthorized\)/);
    await page.goto(`${url}/${path}`);
    return page;
  }

  it('an order, its messages and its news are live for the customer and the staff, in all tabs', async () => {
    const [ann, second, sam] = [await open(0), await open(0), await open(1)];
    await signIn(ann, 'ann');
    await second.reload();
    await second.locator('#pill[data-state=live]').waitFor();
    await signIn(sam, 'sam');

    await ann.getByRole('button', { name: 'Order Kettle' }).click();
    await ann.locator('#entries li').filter({ hasText: 'placed' }).waitFor();
    await second.locator('#orders button').filter({ hasText: 'placed' }).waitFor();
    await sam.locator('#products li').filter({ hasText: '11 in stock' }).waitFor();
    await sam.locator('#orders button').filter({ hasText: '1 of ann' }).click();
    await sam.locator('#entries li').filter({ hasText: 'placed' }).waitFor();

    const markup = '<img src=x onerror=alert(1)> wrap it?';
    await sam.locator('#text').fill(markup);
    await sam.locator('#text').press('Enter');
    await ann.locator('#entries li').filter({ hasText: markup }).waitFor();
    await second
      .locator('#unread li')
      .filter({ hasText: `Sam: ${markup}` })
      .waitFor();
    await sam.getByRole('button', { name: 'Packed' }).click();
    await ann.locator('#steps [aria-current]').filter({ hasText: 'packed' }).waitFor();
    await second.locator('#orders .status').filter({ hasText: 'packed' }).waitFor();
    await picture(ann, 'customer');
    await picture(sam, 'staff');

    await second.getByRole('button', { name: 'Mark as read' }).click();
    await ann.locator('#notifications').waitFor({ state: 'hidden' });
    await ann.getByRole('button', { name: 'Cancel the order' }).click();
    await sam.locator('#steps [aria-current]').filter({ hasText: 'cancelled' }).waitFor();
    await sam.locator('#products li').filter({ hasText: '12 in stock' }).waitFor();
  });

  it('signing out ends the streams of all tabs, which show the form', async () => {
    const [first, second] = [await open(0), await open(0)];
    await signIn(first, 'bob');
    await second.reload();
    await second.locator('#pill[data-state=live]').waitFor();
    await first.getByRole('button', { name: 'Sign out' }).click();
    await first.locator('#sign-in').waitFor();
    await second.locator('#sign-in').waitFor();
  });

  it('an import shows its progress, also to a page that is loaded meanwhile, and ends with a new catalogue', async () => {
    const sam = await open(1);
    await signIn(sam, 'sam');
    await sam.getByRole('button', { name: 'Import' }).click();
    await sam.locator('#import-hint').filter({ hasText: 'of 1000 products' }).waitFor();
    await sam.reload();
    await sam.locator('#import-hint').filter({ hasText: '1000 of 1000 products, done' }).waitFor();
    await sam.locator('#product-count').filter({ hasText: '100 of 1004' }).waitFor();
    await picture(sam, 'import');
  });

  it('a packing station without a cookie of the shop shows what is to pack, by ticket', async () => {
    const [ann, station] = [await open(0), await open(1, 'station')];
    await signIn(ann, 'ann');
    await signIn(station, 'station');
    const cookies = (await browsers[1]!.context.cookies()).map(({ name }) => name);
    expect(cookies).toEqual([expect.stringMatching(/^sse-ticket-/)]);
    await ann.getByRole('button', { name: 'Order Mug' }).click();
    await station.locator('#to-pack li').filter({ hasText: '1 of ann 1 × Mug' }).waitFor();
    await picture(station, 'station');
    await ann.getByRole('button', { name: 'Cancel the order' }).click();
    await station.locator('#nothing').waitFor();
  });

  it('the pages fit screens of 1280, 768 and 360 pixels', async () => {
    const ann = await open(0);
    const fits = 'document.documentElement.scrollWidth <= innerWidth';
    for (const width of [360, 768, 1280]) {
      await ann.setViewportSize({ width, height: 800 });
      await eventually(() => ann.evaluate(fits), `the form fits ${width} pixels`);
    }
    await signIn(ann, 'olga');
    for (const width of [1280, 768, 360]) {
      await ann.setViewportSize({ width, height: 800 });
      await eventually(() => ann.evaluate(fits), `the shop fits ${width} pixels`);
      await picture(ann, `operator-${width}`);
    }
  });

  it('the pages are whole, strict and never make HTML from a string', async () => {
    for (const page of [url, `${url}/station`]) await expectStrictPolicy(page);
    expect(await expectWholePage(url)).toContain('/client/share/share-connection.js');
    await expectTextOnly(PUBLIC);
  });
});

async function signIn(page: Page, account: string): Promise<void> {
  await page.locator('#sign-in').waitFor();
  if (account !== 'station') await page.locator('#account').selectOption(account);
  await page.locator('#password').fill('shop');
  await page.locator('#password').press('Enter');
  await page.locator('#pill[data-state=live]').waitFor();
}

async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['SSE_PICTURES'];
  if (folder !== undefined) await page.screenshot({ path: `${folder}/orders-${name}.png`, fullPage: true });
}
