import { jest } from '@jest/globals';
import type { Page } from 'playwright-core';
import { type Browser, launchChromium } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { missingFor, TwoNodesProcess } from './two-nodes-process.js';

/** A safety net: the build, and a lease of four seconds, on a busy machine. */
const PATIENCE_MS = 60_000;
jest.setTimeout(4 * PATIENCE_MS);

describeUnless(missingFor(['redis-server']), 'the sample of answers on two nodes, in Chromium', () => {
  let sample: TwoNodesProcess;
  let browser: Browser;

  beforeAll(async () => {
    sample = await TwoNodesProcess.start('start:answer-stream', { NODES: '2' });
    browser = await launchChromium({ viewport: { width: 1280, height: 800 } });
    browser.context.setDefaultTimeout(PATIENCE_MS);
  });
  afterAll(async () => {
    await browser?.close();
    await sample?.interrupt();
  });

  async function tab(): Promise<Page> {
    const page = await browser.context.newPage();
    await page.goto(sample.url);
    return page;
  }

  it('the answer of a killed node ends as failed in every tab, and the other node takes the next question', async () => {
    const page = await tab();
    await page.locator('#question').fill('Tell me in 400 words');
    await page.locator('#question').press('Enter');
    await page.locator('article .text').filter({ hasText: 'No language model' }).waitFor();
    const other = await tab();
    await other.locator('article .text').filter({ hasText: 'No language model' }).waitFor();
    const kill = page.locator('article .kill');
    const node = /[AB]$/.exec(await kill.innerText())?.[0];
    await kill.click();
    for (const each of [page, other]) {
      await each
        .locator('article[data-state=failed]')
        .filter({ hasText: new RegExp(`failed: node ${node} has died, \\d+ words`) })
        .waitFor();
    }
    const texts = await Promise.all([page, other].map((each) => each.locator('article .text').innerText()));
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).toMatch(/^No language model was asked: a generator/);
    await page.locator('#question').fill('And in 5 words?');
    await page.locator('#question').press('Enter');
    const done = page.locator('article[data-state=done]').filter({ hasText: 'done, 5 words' });
    await done.waitFor();
  });
});
