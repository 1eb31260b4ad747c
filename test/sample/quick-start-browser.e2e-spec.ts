import type { Page } from 'playwright-core';
import { describeUnless } from '../support/describe-unless.js';
import { eventually } from '../support/within.js';
import { type Browser, launchChromium, noBrowser } from '../support/chromium.js';
import { expectTextOnly, onFault } from './page-rules.js';
import { SampleApp } from './sample-app.js';

describeUnless(noBrowser, 'the quick start, in Chromium', () => {
  let app: SampleApp;
  let browser: Browser;
  let faults: string[];

  beforeAll(async () => {
    browser = await launchChromium({ viewport: { width: 1280, height: 800 } });
    app = await SampleApp.start();
  });
  afterAll(async () => {
    await browser.close();
    await app.close();
  });
  beforeEach(() => {
    faults = [];
  });
  afterEach(async () => {
    for (const page of browser.context.pages()) await page.close();
    expect(faults).toEqual([]);
  });

  /** Opens a tab with its stream, in the lobby. Errors on its console fail the spec. */
  async function tab(): Promise<Page> {
    const page = await browser.context.newPage();
    onFault(page, (text) => faults.push(text));
    await page.goto(app.url);
    await page.locator('#pill[data-state=live]').waitFor();
    await page.locator('#rooms .show').first().waitFor();
    return page;
  }

  it('two tabs chat, and show markup as text', async () => {
    const [first, second] = [await tab(), await tab()];
    const markup = '<img src=x onerror=alert(1)> & <b>bold</b>';
    await postMessage(first, markup);
    const message = second.locator('#log .theirs').filter({ hasText: markup });
    await message.waitFor();
    expect(await message.locator('img, b b').count()).toBe(0);
    await postMessage(second, 'I see you');
    await first.locator('#log .theirs').filter({ hasText: 'I see you' }).waitFor();
    await first.locator('#rooms small').filter({ hasText: '2' }).waitFor();
  });

  it('tabs show who is in their room: also under a new nickname, and no longer when one has left', async () => {
    const [first, second] = [await tab(), await tab()];
    const nickname = await second.locator('#nickname').inputValue();
    await first.locator('#present li').filter({ hasText: nickname }).waitFor();
    await second.locator('#present .me').filter({ hasText: nickname }).waitFor();
    await second.locator('#nickname').fill('Somebody else');
    await second.locator('#nickname').press('Enter');
    await first.locator('#present li').filter({ hasText: 'Somebody else' }).waitFor();
    await first.locator('#cut').click();
    await first.locator('#pill[data-state=waiting]').waitFor();
    await first.locator('#pill[data-state=live]').waitFor();
    await first.locator('#present li').filter({ hasText: 'Somebody else' }).waitFor();
    await second.close();
    await first.locator('#present li').filter({ hasText: 'Somebody else' }).waitFor({ state: 'detached' });
    expect(await first.locator('#present li').count()).toBeGreaterThan(0);
  });

  it('a tab preserves what is typed while a message is being sent', async () => {
    const page = await tab();
    for (const text of ['first', 'second', 'third']) {
      await page.locator('#text').fill(text);
      await page.locator('#text').press('Enter');
    }
    await page.locator('#text').fill('fourth');
    await page.locator('#log .mine').nth(2).waitFor();
    expect(await page.locator('#log .mine').allInnerTexts()).toEqual(['first', 'second', 'third']);
    expect(await page.locator('#text').inputValue()).toBe('fourth');
  });

  it('a tab joins and leaves rooms, and marks messages of the others as unread', async () => {
    const [first, second] = [await tab(), await tab()];
    for (const page of [first, second]) {
      await page.locator('#room').fill('garden');
      await page.locator('#room').press('Enter');
      await page.locator('#rooms .show').filter({ hasText: 'garden' }).waitFor();
    }
    await second.locator('#rooms .show').filter({ hasText: 'lobby' }).click();
    await postMessage(first, 'roses');
    await second.locator('.unread').waitFor();
    await second.locator('#rooms .show').filter({ hasText: 'garden' }).click();
    await second.locator('#log .theirs').filter({ hasText: 'roses' }).waitFor();
    await second.getByRole('button', { name: 'Leave garden' }).click();
    await first.locator('#log .notice').filter({ hasText: 'left' }).waitFor();
    expect(await second.locator('#rooms .show').allInnerTexts()).toHaveLength(1);
  });

  it('a bad nickname is refused with the message of the server', async () => {
    const page = await tab();
    await page.locator('#nickname').evaluate((input: { value: string }) => (input.value = 'a\u202eb'));
    await page.locator('#nickname').dispatchEvent('change');
    await page.locator('#hint.error').filter({ hasText: 'nickname: 1 to 24 characters' }).waitFor();
    faults = faults.filter((fault) => !fault.includes('400 (Bad Request)'));
  });

  it('a tab draws four charts that move', async () => {
    const page = await tab();
    await page.locator('figure output').filter({ hasText: /\d/ }).nth(5).waitFor();
    // A string, as it runs in the page, for which these specs have no types.
    const painted = `[...document.querySelectorAll('.plot canvas')].map((canvas) =>
      canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.reduce((sum, x, i) => (sum + x * (i % 251)) % 1e9, 0))`;
    const sums = (): Promise<number[]> => page.evaluate<number[]>(painted);
    await eventually(async () => (await sums()).filter((sum) => sum > 0).length === 4, 'four charts');
    const before = await sums();
    await eventually(async () => (await sums()).every((sum, i) => sum !== before[i]), 'charts that move');
  });

  it('a tab that the server cuts reconnects by itself and receives all it missed, once', async () => {
    const [page, other] = [await tab(), await tab()];
    await postMessage(other, 'before');
    await page.locator('#cut').click();
    await page.locator('#pill[data-state=waiting]').waitFor();
    for (const text of ['missed one', 'missed two']) await postMessage(other, text);
    await page
      .locator('#note')
      .filter({ hasText: /back after .* resumed, none missed/ })
      .waitFor();
    const resumed = page.locator('#log .theirs').filter({ has: page.locator('.resumed') });
    expect((await resumed.allInnerTexts()).join()).toMatch(/missed one[^]*missed two/);
    expect(await resumed.count()).toBe(2);
    expect(await counter(page, 'resumed')).toBeGreaterThanOrEqual(2);
    expect([await counter(page, 'missed'), await counter(page, 'duplicated')]).toEqual([0, 0]);
    await postMessage(page, 'and it goes on');
    await other.locator('#log .theirs').filter({ hasText: 'and it goes on' }).waitFor();
  });

  it('the ledger counts holes as missed until they are filled, and repeated events as duplicated', async () => {
    const page = await tab();
    const counted = await page.evaluate(`import('/assets/event-counter.js').then(({ EventCounter }) => {
      const counter = new EventCounter();
      const verdicts = [1, 2, 5, 5, 4].map((seq) => counter.count({ room: 'a', seq, at: 10 }));
      counter.reconnected(20);
      verdicts.push(counter.count({ room: 'a', seq: 6, at: 19 }), counter.count({ room: 'a', seq: 7, at: 20 }));
      verdicts.push(counter.count({ room: 'joined-later', seq: 40, at: 15 }));
      const { received, resumed, missed, duplicated } = counter;
      return { verdicts, received, resumed, missed, duplicated };
    })`);
    expect(counted).toEqual({
      verdicts: ['new', 'new', 'new', 'again', 'new', 'resumed', 'new', 'new'],
      received: 7,
      resumed: 1,
      missed: 1,
      duplicated: 1,
    });
  });

  it('a reloaded tab has its nickname, its rooms and their recent messages', async () => {
    const page = await tab();
    await postMessage(page, 'before the reload');
    const nickname = await page.locator('#nickname').inputValue();
    await page.reload();
    await page.locator('#log .mine').filter({ hasText: 'before the reload' }).waitFor();
    expect(await page.locator('#nickname').inputValue()).toBe(nickname);
    expect(await counter(page, 'duplicated')).toBe(0);
  });

  it('a tab shows its frames, and the bytes of a second connection', async () => {
    const page = await tab();
    await page
      .locator('#frames')
      .filter({ hasText: /event: stats\ndata: \{"room":"stats"/ })
      .waitFor();
    await page.locator('#wire').click();
    await page
      .locator('#frames')
      .filter({ hasText: /event: sse:ready[^]*event: stats/ })
      .waitFor();
  });

  it.each([1280, 768, 360])('the page fits a screen %i pixels wide', async (width) => {
    const page = await tab();
    await page.setViewportSize({ width, height: 800 });
    const fits = 'document.documentElement.scrollWidth <= innerWidth';
    await eventually(() => page.evaluate(fits), 'no sideways scrolling');
  });

  it('the page never makes HTML from a string', async () => {
    await expectTextOnly('sample/00-quick-start/src/public');
    await expectTextOnly('sample/shared/public');
  });
});

async function postMessage(page: Page, text: string): Promise<void> {
  await page.locator('#text').fill(text);
  await page.locator('#text').press('Enter');
  await page.locator('#log .mine').filter({ hasText: text }).waitFor();
}

async function counter(page: Page, id: string): Promise<number> {
  return Number((await page.locator(`#${id}`).innerText()).replace(/\D/g, ''));
}
