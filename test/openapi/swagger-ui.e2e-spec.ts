import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { describeStreams } from 'nestjs-simple-sse/openapi';
import type { Locator, Page } from 'playwright-core';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { express } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { describedShop } from './described-shop.js';
import { VERSIONS } from './documents.js';

const PATIENCE_MS = 60_000;

describeUnless(noBrowser, 'Swagger UI in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  describe.each(VERSIONS)('with a document of OpenAPI %s', (version) => {
    let running: RunningApp;
    let page: Page;
    const faults: string[] = [];

    beforeAll(async () => {
      running = await express.start(describedShop(), {
        configure: (app) => {
          const config = new DocumentBuilder().setTitle('Shop').setOpenAPIVersion(version).build();
          SwaggerModule.setup(
            'api',
            app,
            describeStreams(app, () => SwaggerModule.createDocument(app, config)),
          );
        },
      });
      page = await browser.context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('requestfailed', (request) => faults.push(`failed: ${request.url()}`));
      page.on(
        'response',
        (response) => response.status() >= 400 && faults.push(`${response.status()} ${response.url()}`),
      );
      await page.goto(`${running.url}/api`);
      await page.locator('.opblock').first().waitFor();
    });
    afterAll(async () => {
      await page?.close();
      await running?.close();
    });

    /** Opens an operation and returns its part of the page. */
    async function opened(method: string, path: string): Promise<Locator> {
      const operation = page.locator(`.opblock-${method}`, {
        has: page.locator(`[data-path="${path}"]`),
      });
      await operation.locator('.opblock-summary-control').click();
      await operation.locator('.responses-table').waitFor();
      return operation;
    }

    it('shows the parameters, the events and the statuses of a stream', async () => {
      const operation = await opened('get', '/orders/{id}/events');
      const names = operation.locator('.parameters .parameter__name');
      expect(await names.allInnerTexts()).toEqual([
        expect.stringMatching(/^id/),
        'Last-Event-ID',
        'lastEventId',
        'session',
      ]);
      const [stream = ''] = await operation.locator('.response[data-code="200"]').allInnerTexts();
      expect(stream).toContain('of orders/:id: paid, moved, shipped, packed, sorted, placed');
      expect(stream).toContain('of the stream itself: sse:ready, sse:gap, sse:error');
      expect(stream).toContain('text/event-stream');
      const codes = operation.locator('.response[data-code] .response-col_status');
      expect(await codes.allInnerTexts()).toEqual(['200', '400', '403', '503']);
    });

    it('shows a run with its own statuses', async () => {
      const operation = await opened('post', '/answers/{id}');
      const codes = await operation.locator('.response[data-code] .response-col_status').allInnerTexts();
      expect(codes).toEqual(expect.arrayContaining(['200', '409']));
    });

    it('shows each event of a stream as a schema with its data', async () => {
      const models = page.locator('section.models');
      const text = await models.innerText();
      for (const name of ['OrdersIdPaidEvent', 'OrdersIdShipped', 'ChatRoomMessageEvent'])
        expect(text).toContain(name);
    });

    it('reports no error and no failed request', () => {
      expect(faults).toEqual([]);
    });
  });
});
