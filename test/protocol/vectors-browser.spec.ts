import type { Page } from 'playwright-core';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { within } from '../support/within.js';
import { VectorServer, VISITS } from './vector-server.js';
import { END_EVENT, typesOf, VECTORS, type DispatchedEvent } from './vectors.js';

if (noBrowser !== undefined) console.warn(`Skipped, the vectors in Chromium: ${noBrowser}`);
const inBrowser = noBrowser === undefined ? describe : describe.skip;

inBrowser(`EventSource of Chromium${noBrowser ? ` (skipped: ${noBrowser})` : ''}`, () => {
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

  it.each(VECTORS.map((vector, index) => ({ index, ...vector })))('hears $name', async (vector) => {
    // As a string: it runs in the page, whose types these specs do not know.
    const heard = page.evaluate<DispatchedEvent[]>(`new Promise((resolve) => {
      const heard = [];
      const source = new EventSource('/vector/${vector.index}');
      for (const type of ${JSON.stringify(typesOf(vector))}) {
        source.addEventListener(type, ({ data, lastEventId }) => heard.push({ type, data, lastEventId }));
      }
      source.addEventListener('${END_EVENT}', () => { source.close(); resolve(heard); });
    })`);
    expect(await within(heard, 'the end of the vector')).toEqual(vector.hear);
  });

  it('comes back at once with its last id, forgets an id that was reset, and stays away after 204', async () => {
    const heard = page.evaluate<string[]>(`new Promise((resolve) => {
      const heard = [];
      const source = new EventSource('/comes-back');
      source.addEventListener('visit', ({ data }) => heard.push(data));
      source.addEventListener('error', () => source.readyState === EventSource.CLOSED && resolve(heard));
    })`);
    expect(await within(heard, 'the end of all visits')).toEqual(
      VISITS.flatMap(({ answer }) => answer?.data ?? []),
    );
    expect(server.lastEventIds).toEqual(VISITS.map(({ lastEventId }) => lastEventId));
  });
});
