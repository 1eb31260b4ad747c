import type { Page } from 'playwright-core';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { within } from '../support/within.js';
import { VectorServer, VISITS } from './vector-server.js';
import { END_EVENT, typesOf, VECTORS, type DispatchedEvent } from './vectors.js';

describeUnless(noBrowser, 'EventSource of Chromium', () => {
  let server: VectorServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    server = await VectorServer.start();
    browser = await launchChromium();
    page = await browser.context.newPage();
    await page.goto(server.url);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  it.each(VECTORS.map((vector, index) => ({ index, ...vector })))('receives $name', async (vector) => {
    // As a string: it runs in the page, whose types these specs do not know.
    const received = page.evaluate<DispatchedEvent[]>(`new Promise((resolve) => {
      const received = [];
      const source = new EventSource('/vector/${vector.index}');
      for (const type of ${JSON.stringify(typesOf(vector))}) {
        source.addEventListener(type, ({ data, lastEventId }) => received.push({ type, data, lastEventId }));
      }
      source.addEventListener('${END_EVENT}', () => { source.close(); resolve(received); });
    })`);
    expect(await within(received, 'the end of the vector')).toEqual(vector.receive);
  });

  it('reconnects at once with its last id, forgets an id that was reset, and does not reconnect after 204', async () => {
    const received = page.evaluate<string[]>(`new Promise((resolve) => {
      const received = [];
      const source = new EventSource('/reconnects');
      source.addEventListener('visit', ({ data }) => received.push(data));
      source.addEventListener('error', () => source.readyState === EventSource.CLOSED && resolve(received));
    })`);
    expect(await within(received, 'the end of all visits')).toEqual(
      VISITS.flatMap(({ answer }) => answer?.data ?? []),
    );
    expect(server.lastEventIds).toEqual(VISITS.map(({ lastEventId }) => lastEventId));
  });
});
