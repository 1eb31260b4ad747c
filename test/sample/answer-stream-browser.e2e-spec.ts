import type { Locator, Page } from 'playwright-core';
import { type Browser, launchChromium, noBrowser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { eventually } from '../support/within.js';
import { AnswerStreamApp } from './answer-stream-app.js';
import { expectTextOnly, onFault } from './page-rules.js';

describeUnless(noBrowser, 'the sample of answers, in Chromium', () => {
  let app: AnswerStreamApp;
  let browser: Browser;
  let faults: string[];

  beforeAll(async () => {
    browser = await launchChromium({ viewport: { width: 1280, height: 800 } });
    app = await AnswerStreamApp.start();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.close();
  });
  beforeEach(() => {
    app.wordLimit = Infinity;
    faults = [];
  });
  afterEach(async () => {
    const [first] = browser.context.pages();
    await first?.evaluate('localStorage.clear()').catch(() => {});
    for (const page of browser.context.pages()) await page.close();
    expect(faults).toEqual([]);
  });

  /** Opens a tab. Errors on its console fail the spec. */
  async function tab(): Promise<Page> {
    const page = await browser.context.newPage();
    onFault(page, (text) => faults.push(text));
    await page.goto(app.url);
    await page.locator('#send').waitFor();
    return page;
  }

  it('a reload in the middle shows what was typed at once, and goes on; a second tab shows the same', async () => {
    const page = await tab();
    const other = await tab();
    app.wordLimit = 5;
    await ask(page, 'Tell me in 20 words <b>why</b>');
    await typed(page, 5);
    await typed(other, 5);
    await page.reload();
    await typed(page, 5);
    app.wordLimit = Infinity;
    expect(await page.locator('article mark').count()).toBe(1);
    for (const each of [page, other]) {
      await answerIn(each, 'done').filter({ hasText: 'done, 20 words' }).waitFor();
      expect(await each.locator('.question').innerText()).toBe('Tell me in 20 words <b>why</b>');
      expect(await each.locator('.question b').count()).toBe(0);
    }
    const [words, same] = [await wordsOf(page), await wordsOf(other)];
    expect([words.length, same]).toEqual([20, words]);
    expect(words.slice(0, 5).join(' ')).toBe('No language model was asked:');
    await page.reload();
    await answerIn(page, 'done').filter({ hasText: 'done, 20 words' }).waitFor();
    expect(await wordsOf(page)).toEqual(words);
    await page.locator('#clear').click();
    await other.locator('.empty').waitFor();
  });

  it('the stop button of one tab ends the answer in both', async () => {
    const [page, other] = [await tab(), await tab()];
    app.wordLimit = 3;
    await ask(page, 'Tell me something');
    await typed(other, 3);
    expect(await page.locator('#send').isDisabled()).toBe(true);
    await other.getByRole('button', { name: 'Stop' }).first().click();
    for (const each of [page, other])
      await answerIn(each, 'stopped').filter({ hasText: 'stopped, 3 words' }).waitFor();
    expect(await page.locator('#send').isDisabled()).toBe(false);
  });

  it('a connection that the server cuts comes back, and no word is missing or repeated', async () => {
    const page = await tab();
    app.wordLimit = 3;
    await ask(page, 'Tell me in 10 words');
    await typed(page, 3);
    for (const client of app.sse.clients()) client.close();
    await answerIn(page, 'waiting').waitFor();
    app.wordLimit = Infinity;
    await answerIn(page, 'done').filter({ hasText: 'done, 10 words' }).waitFor();
    expect((await wordsOf(page)).join(' ')).toBe('No language model was asked: a generator on the server');
  });

  it('the bar of an import is where it was after a reload, and in a second tab', async () => {
    const page = await tab();
    await page.locator('#import-start').click();
    await eventually(async () => (await rowsOf(page)) > 20, 'progress');
    await page.reload();
    const other = await tab();
    for (const each of [page, other]) await eventually(async () => (await rowsOf(each)) > 20, 'progress');
    await other.locator('#import-stop').click();
    for (const each of [page, other])
      await each
        .locator('#import[data-state=stopped]')
        .filter({ hasText: /stopped, after \d+ rows/ })
        .waitFor();
  });

  it('an answer that the server does not have any more is told as gone', async () => {
    const page = await tab();
    const entry = JSON.stringify([{ id: 'f'.repeat(32), question: 'An old one' }]);
    await page.evaluate(`localStorage.setItem('answer-stream:questions', ${JSON.stringify(entry)})`);
    await page.reload();
    await answerIn(page, 'gone').filter({ hasText: 'does not have this answer any more' }).waitFor();
  });

  it.each([1280, 360])('the page fits a screen %i pixels wide', async (width) => {
    const page = await tab();
    await page.setViewportSize({ width, height: 800 });
    const fits = 'document.documentElement.scrollWidth <= innerWidth';
    await eventually(() => page.evaluate(fits), 'no sideways scrolling');
  });

  it('the page never makes HTML from a string', async () => {
    await expectTextOnly('sample/02-answer-stream/src/public');
  });
});

async function ask(page: Page, question: string): Promise<void> {
  await page.locator('#question').fill(question);
  await page.locator('#question').press('Enter');
}

async function wordsOf(page: Page): Promise<string[]> {
  const text = await page.locator('article .text').last().innerText();
  return text === '' ? [] : text.split(' ');
}

function typed(page: Page, count: number): Promise<void> {
  return eventually(async () => (await wordsOf(page)).length >= count, `${count} words`);
}

function answerIn(page: Page, state: string): Locator {
  return page.locator(`article[data-state=${state}]`).last();
}

/** Returns the number of imported rows that the bar shows. */
function rowsOf(page: Page): Promise<number> {
  return page.locator('#progress').evaluate((bar) => Number(Reflect.get(bar, 'value')));
}
