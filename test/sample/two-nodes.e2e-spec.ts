import { jest } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import type { NodesStatus, NodeName } from '../../sample/01-two-nodes-redis/src/app.events.js';
import { findPrograms } from '../../sample/shared/processes/programs.js';
import { describeUnless } from '../support/describe-unless.js';
import { eventually } from '../support/within.js';
import { type Browser, launchChromium } from '../support/chromium.js';
import { expectStrictPolicy, expectTextOnly, expectWholePage, onFault } from './page-rules.js';
import { missingFor, OPERATOR_PASSWORD, TwoNodesProcess } from './two-nodes-process.js';

/** The browser's messages when a stream breaks off, and while nginx holds both nodes for dead. */
const BROKEN_STREAM = /ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION|502 \(Bad Gateway\)/;
/** A safety net; a node starts in a second or two. */
const PATIENCE_MS = 40_000;
jest.setTimeout(4 * PATIENCE_MS);

describeUnless(missingFor(['redis-server', 'nginx']), 'two nodes behind nginx, in Chromium', () => {
  let sample: TwoNodesProcess;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];
  /** Every error on the console, the expected ones too. */
  const errors: string[] = [];

  beforeAll(async () => {
    sample = await TwoNodesProcess.start('start:two-nodes');
    browser = await launchChromium({ viewport: { width: 1280, height: 900 } });
    page = await browser.context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    onFault(page, (text) => faults.push(text), BROKEN_STREAM);
    onFault(page, (text) => errors.push(text));
    await page.goto(sample.url);
    await onNode('A', 'B');
    await receives(5);
  });

  afterAll(async () => {
    await browser?.close();
    await sample?.interrupt();
  });

  async function nodes(): Promise<NodesStatus['nodes']> {
    const response = await fetch(`${sample.url}/supervisor/nodes`);
    return ((await response.json()) as NodesStatus).nodes;
  }

  /** Waits until the tab is connected to one of these nodes, and returns its name. */
  async function onNode(...names: readonly NodeName[]): Promise<NodeName> {
    await page.locator(names.map((name) => `#map[data-on=${name}]`).join()).waitFor();
    return (await page.locator('#map').getAttribute('data-on')) as NodeName;
  }

  async function counter(id: string): Promise<number> {
    return Number((await page.locator(`#${id}`).innerText()).replace(/\D/g, ''));
  }

  /** Waits for so many more events. */
  async function receives(more: number): Promise<void> {
    const before = await counter('received');
    await eventually(async () => (await counter('received')) >= before + more, 'more events', PATIENCE_MS);
  }

  async function becomes(name: NodeName, state: 'up' | 'down'): Promise<void> {
    await page.locator(`[data-node=${name}][data-state=${state}]`).waitFor();
  }

  async function press(name: NodeName): Promise<void> {
    await page.locator(`[data-node=${name}] button`).click();
  }

  /** Returns the number of reconnects that the tab has shown, complete or not. */
  function returns(): Promise<number> {
    return journal('Back after').count();
  }

  async function seen(): Promise<string> {
    return `the tab is back; its journal:\n${await page.locator('#journal').innerText()}\n${errors.join('\n')}`;
  }

  /** Waits until the tab shows one more reconnect than before. */
  async function backAfter(before: number): Promise<void> {
    await eventually(async () => (await returns()) > before, seen, PATIENCE_MS);
  }

  function journal(words: string): Locator {
    return page.locator('#journal li').filter({ hasText: words });
  }

  async function expectNothingLost(): Promise<void> {
    const counts = await Promise.all(['missed', 'duplicated', 'disordered'].map((id) => counter(id)));
    const gaps = await journal('gap').allInnerTexts();
    expect({ counts, gaps, faults }).toEqual({ counts: [0, 0, 0], gaps: [], faults: [] });
  }

  it('the page is whole, strict and never makes HTML from a string', async () => {
    await expectStrictPolicy(sample.url);
    const files = await expectWholePage(sample.url);
    expect(files).toContain('/client/share/share-connection.js');
    for (const path of ['/client/index.d.ts', '/client/..%2findex.js', '/client/none.js']) {
      expect([path, (await fetch(sample.url + path)).status]).toEqual([path, 404]);
    }
    await expectTextOnly('sample/01-two-nodes-redis/src/public');
  });

  it('joins matches through whatever node answers, and shows who is in them on both', async () => {
    for (const match of ['match/1', 'match/2']) {
      await page.getByRole('button', { name: match }).click();
      await journal(`Joined ${match}, through node`).waitFor();
    }
    const other = await browser.context.newPage();
    await other.goto(sample.url);
    await other.locator('#matches button:enabled').first().click();
    await page
      .locator('#matches .lane')
      .first()
      .getByText(/^in it: you, \w+ \d+$/)
      .waitFor();
    await other.close();
    await page
      .locator('#matches .lane')
      .first()
      .getByText(/^in it: you$/)
      .waitFor();
    await page.locator('#matches .lane').nth(1).locator('.chip').nth(2).waitFor();
    await expectNothingLost();
  });

  it.each(['first', 'second'])(
    'the %s killed node loses no event: its tab resumes at the other',
    async () => {
      const killed = await onNode('A', 'B');
      const other = killed === 'A' ? 'B' : 'A';
      const [moves, before] = [await counter('moves'), await returns()];
      await press(killed);
      expect(await onNode(other)).toBe(other);
      // The state of the nodes includes the last number of the dead one, so that even its last event is checked.
      await becomes(killed, 'down');
      await backAfter(before);
      await receives(5);
      await expectNothingLost();
      await journal('Still in match/1, match/2').nth(before).waitFor();
      await page
        .locator('#matches .lane')
        .first()
        .getByText(/^in it: you$/)
        .waitFor();
      expect(await counter('moves')).toBe(moves + 1);
      await press(killed);
      await becomes(killed, 'up');
      await receives(5);
      await expectNothingLost();
    },
  );

  it('a cut connection loses no event, whichever node receives the command to cut it', async () => {
    for (let cut = 0; cut < 2; cut++) {
      const before = await returns();
      await page.locator('#cut').click();
      await backAfter(before);
    }
    await expectNothingLost();
  });

  it('the tab waits while both nodes are dead, and resumes at the first that is started again', async () => {
    const before = await returns();
    const [first, second] = (await onNode('A', 'B')) === 'A' ? (['B', 'A'] as const) : (['A', 'B'] as const);
    await press(first);
    await becomes(first, 'down');
    await press(second);
    await page.locator('#pill[data-state=waiting]').waitFor();
    await fetch(`${sample.url}/supervisor/nodes/${first}/start`, { method: 'POST' });
    expect(await onNode(first)).toBe(first);
    await backAfter(before);
    await expectNothingLost();
  });

  it('counts disorder and the loss of a last event, and not what began before it was there', async () => {
    const counted = await page.evaluate(`import('/assets/event-counter.js').then(({ EventCounter }) => {
      const counter = new EventCounter();
      counter.reconnected(100);
      for (const seq of [7, 9, 8]) counter.count({ room: 'older', seq, at: 100, since: 50 });
      counter.expect({ room: 'older', seq: 10, since: 50 });
      counter.expect({ room: 'unknown', seq: 5, since: 50 });
      counter.expect({ room: 'younger', seq: 2, since: 150 });
      const { received, missed, duplicated, disordered } = counter;
      return { received, missed, duplicated, disordered };
    })`);
    expect(counted).toEqual({ received: 3, missed: 3, duplicated: 0, disordered: 1 });
  });

  it.each([1280, 768, 360])('the page fits a screen %i pixels wide', async (width) => {
    await page.setViewportSize({ width, height: 800 });
    const fits = 'document.documentElement.scrollWidth <= innerWidth';
    await eventually(() => page.evaluate(fits), 'no sideways scrolling');
  });

  it('the operator’s page shows both nodes, to whoever has the password alone', async () => {
    for (const name of ['A', 'B'] as const) {
      await fetch(`${sample.url}/supervisor/nodes/${name}/start`, { method: 'POST' });
      await becomes(name, 'up');
    }
    const address = new URL('/sse-admin', sample.url);
    // nginx uses a node again two seconds after its failure.
    await eventually(async () => (await fetch(address)).status !== 502, 'a node answers', PATIENCE_MS);
    for (const authorization of ['', `Basic ${btoa('operator:guessed')}`]) {
      const refused = await fetch(address, { headers: { authorization } });
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringMatching(/^Basic /),
      ]);
    }
    address.username = 'operator';
    address.password = OPERATOR_PASSWORD;
    const admin = await browser.context.newPage();
    admin.setDefaultTimeout(PATIENCE_MS);
    await admin.goto(address.href);
    await admin.locator('#state').filter({ hasText: 'Live, 2 nodes' }).waitFor();
    const rows = admin.locator('#nodes tbody tr');
    await eventually(
      async () =>
        (await rows.locator('td > span:first-child').allInnerTexts()).join() === 'node A,Live,node B,Live',
      'both nodes',
      PATIENCE_MS,
    );
    // The rooms of the tab.
    await admin.locator('#rooms tbody').filter({ hasText: 'orders' }).waitFor();
    const folder = process.env['SSE_PICTURES'];
    if (folder !== undefined) await admin.screenshot({ path: `${folder}/two-nodes.png` });
    await admin.close();
  });

  it('a page of another site cannot kill a node', async () => {
    const { status } = await fetch(`${sample.url}/supervisor/nodes/A/kill`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect(status).toBe(403);
  });

  it('Ctrl+C ends everything', async () => {
    const pids = (await nodes()).flatMap(({ pid }) => pid ?? []);
    expect(pids).not.toEqual([]);
    await page.close();
    await sample.interrupt();
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    await expect(fetch(sample.url)).rejects.toThrow('fetch failed');
  });
});

it('the start names a program that is missing, and how to install it', () => {
  expect(() => findPrograms(['redis-server', 'nginx'], '/nowhere')).toThrow(
    /^redis-server( and nginx)? not found.*apt-get install redis-server/,
  );
});
