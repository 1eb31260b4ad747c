import type { Page } from 'playwright-core';
import type { Browser } from '../support/chromium.js';

/** Kills the process of a tab. */
export async function crash(browser: Browser, page: Page): Promise<void> {
  const devtools = await browser.context.newCDPSession(page);
  const crashed = new Promise<void>((resolve) => page.once('crash', () => resolve()));
  // Nobody is left to answer.
  void devtools.send('Page.crash').catch(() => {});
  await crashed;
}
