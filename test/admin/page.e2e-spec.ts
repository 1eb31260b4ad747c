import { readFileSync } from 'node:fs';
import { jest } from '@jest/globals';
import type { Page } from 'playwright-core';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { express } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { eventually, pause, PATIENCE_MS, someTurns } from '../support/within.js';
import { expectTextOnly } from '../sample/page-rules.js';
import { adminApp, listener, next, OPERATOR, OPTIONS } from './admin-app.js';
import { cutElements, figure, openPage, show, VIEWS, violations, type View } from './admin-page.js';
import { crowd, type Member } from './crowd.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

jest.setTimeout(4 * PATIENCE_MS);

const LONG = 'tenant/0123456789/orders/'.padEnd(255, 'long-name-without-spaces-');
const MARKUP = '<img src=x onerror="window.broken=1"><b>bold</b>';

/** The browser's messages about a server that is away. */
const LOST_SERVER = /ERR_(CONNECTION|INCOMPLETE)/;

interface Summary {
  streams: number;
  rooms: number;
  topRooms: [string, number][];
}

const TEXTS = { room: `${MARKUP} room`, user: `${MARKUP} user` };

/**
 * Members of some rooms, one of them with a long name, and some clients that do not read. Those are in no room that the specs
 * publish to: more than `maxQueuedBytes` would end them.
 */
function* audience(): Iterable<Member> {
  for (let n = 0; n < 240; n++)
    yield { rooms: ['news', `orders/${n % 60}`, ...(n % 3 === 0 ? ['prices'] : [])], user: `user-${n % 80}` };
  for (let n = 0; n < 3; n++) {
    yield { rooms: [LONG], user: `reader-${n}` };
    yield { rooms: ['video'], user: `slow-reader-${n}`, isDeaf: true };
  }
}

/** 10,000 clients in 5,000 rooms of tenants, and all in one more. */
function* tenants(): Iterable<Member> {
  for (let n = 0; n < 10_000; n++) yield { rooms: ['all', `tenant/${n % 5_000}`], user: `user-${n}` };
}

function start(port?: number): Promise<RunningApp> {
  const admin = adminApp({ ...OPTIONS, nodeName: 'web-1' }, { retryMs: 200, writeTimeoutMs: 600_000 });
  return express.start(admin, port === undefined ? {} : { port });
}

describeUnless(noBrowser, 'the operator’s page, in Chromium', () => {
  let app: RunningApp;
  let browser: Browser;
  let faults: string[];
  const streams: EventStream[] = [];

  beforeAll(async () => {
    app = await start();
    crowd(app.sse, audience());
    for (let n = 0; n < 20; n++) {
      await app.sse.broadcast('video', 'frame', 'x'.repeat(10_000), { volatile: n > 9 });
      await someTurns();
    }
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.close();
  });
  beforeEach(() => {
    faults = [];
  });
  afterEach(async () => {
    for (const page of browser.context.pages().slice(1)) await page.close();
    for (const stream of streams.splice(0)) stream.close();
    expect(faults).toEqual([]);
  });

  /** Opens a stream of the application until the end of the spec. */
  async function listen(query: string): Promise<{ stream: EventStream; id: string }> {
    const opened = await listener(app, query);
    streams.push(opened.stream);
    return opened;
  }

  const open = async (view?: View): Promise<Page> => {
    const page = await openPage(browser, app.url, faults, view);
    page.setDefaultTimeout(PATIENCE_MS);
    return page;
  };

  it('shows each change without being loaded again: streams, rates, slow clients, resumes and gaps', async () => {
    const page = await open();
    const before = await figure(page, 'Open streams', (value) => value >= 246);
    expect(await figure(page, 'Slow clients', (value) => value > 0)).toBe(3);
    await listen('?room=quiet');
    await figure(page, 'Open streams', (value) => value === before + 1);
    await (await app.listen('/events?room=news', { headers: { 'last-event-id': 'x' } })).nextEvent();
    await figure(page, 'Gaps, last minute', (value) => value === 1);
    const row = (title: string): Promise<string[]> =>
      page.locator('#resumes tr').filter({ hasText: title }).locator('.number').allInnerTexts();
    expect(await row('Not resumed')).toEqual(['1', '1']);
    expect(await row('Gaps: invalid')).toEqual(['1', '1']);
    expect(await page.locator('#resumes tr').filter({ hasText: 'Gaps: ' }).count()).toBe(gapReasons().length);
    // The rate falls to 0 again two seconds after the last event.
    const publishing = setInterval(() => void app.sse.broadcast('news', 'headline', 1), 100);
    await figure(page, 'Delivered per second', (value) => value > 0).finally(() => clearInterval(publishing));
    expect(await page.locator('#nodes .state').innerText()).toBe('Live');
  });

  it.each(VIEWS)(
    'is whole at $width pixels in $colorScheme, readable, and without a fault that axe finds',
    async (view) => {
      const page = await open(view);
      await figure(page, 'Slow clients', (value) => value > 0);
      await eventually(
        async () => (await page.locator('#rooms tbody tr').count()) === 50,
        'the rooms',
        PATIENCE_MS,
      );
      await picture(page, 'overview', view);
      expect([await cutElements(page), await violations(page)]).toEqual([[], []]);

      const { id } = await listen(`?room=${encodeURIComponent(LONG)}&user=${'u'.repeat(200)}`);
      await show(page, 'client', id);
      await page.locator('#client-state').filter({ hasText: 'Open on web-1' }).waitFor();
      await page.locator('#watch').click();
      await eventually(
        async () => {
          await app.sse.broadcast(LONG, 'n'.repeat(100), { text: 'x'.repeat(3_000) });
          return (await page.locator('#sent li').count()) > 2;
        },
        'the events of the client',
        PATIENCE_MS,
      );
      await page.locator('#end [data-step=ask]').click();
      await picture(page, 'client', view);
      expect([await cutElements(page), await violations(page)]).toEqual([[], []]);
      await page.locator('#client .close').click();

      await show(page, 'room', LONG);
      await page.locator('#room-clients li').first().waitFor();
      await picture(page, 'room', view);
      expect([await cutElements(page), await violations(page)]).toEqual([[], []]);
    },
  );

  it('is used with the keyboard alone: a client is found, watched, sent a test event, and ended', async () => {
    const { id, stream } = await listen('?room=quiet&user=ada');
    const page = await open();
    const focused = (): Promise<{ id: string; text: string; isVisible: boolean }> =>
      page.evaluate(`(() => {
        const { id, textContent: text, name } = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return { id: id || name || '', text: text.trim(), isVisible: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 };
      })()`);
    const reached: string[] = [];
    const tabTo = async (name: string): Promise<void> => {
      for (let n = 0; n < 30; n++) {
        await page.keyboard.press('Tab');
        const { id: focusedId, text, isVisible } = await focused();
        reached.push(`${focusedId} ${text.slice(0, 20)}`);
        expect([focusedId, text.slice(0, 20), isVisible]).toEqual([focusedId, text.slice(0, 20), true]);
        if (focusedId === name || text === name) return;
      }
      throw new Error(`${name} is not reached: ${reached.join(', ')}`);
    };
    await tabTo('find-text');
    await page.keyboard.type(id);
    await page.keyboard.press('Enter');
    await page.locator('#client-state').filter({ hasText: 'Open on web-1' }).waitFor();
    await tabTo('watch');
    await page.keyboard.press('Enter');
    await tabTo('event');
    await page.keyboard.type('test');
    await tabTo('data');
    await page.keyboard.type('hello');
    await tabTo('Send');
    await page.keyboard.press('Enter');
    await page.locator('#client .test .result').filter({ hasText: 'Sent to 1 stream' }).waitFor();
    expect(await stream.nextEvent()).toMatchObject({ event: 'test', data: 'hello' });
    await page.locator('#sent').filter({ hasText: 'hello' }).waitFor();
    await tabTo('End this stream');
    await page.keyboard.press('Enter');
    // The focus is on the harmless answer.
    expect(await focused()).toMatchObject({ text: 'Keep it', isVisible: true });
    await page.keyboard.press('Shift+Tab');
    expect(await focused()).toMatchObject({ text: 'End it', isVisible: true });
    await page.keyboard.press('Enter');
    await page.locator('#end-result').filter({ hasText: 'The stream has ended' }).waitFor();
    await stream.eventsUntilEnd();
    await page.keyboard.press('Escape');
    await eventually(async () => (await page.locator('#client[open]').count()) === 0, 'the panel is closed');
    expect((await focused()).id).toBe('find-text');
  });

  it('names the clients of a room by user and id, and those without a user by id', async () => {
    const known = await listen('?room=mixed&user=ada');
    const unknown = await listen('?room=mixed');
    const page = await open();
    await show(page, 'room', 'mixed');
    const names = page.locator('#room-clients .open');
    await eventually(async () => (await names.count()) === 2, 'both clients', PATIENCE_MS);
    expect((await names.allInnerTexts()).toSorted()).toEqual(
      [`ada ${known.id.slice(0, 8)}`, unknown.id.slice(0, 8)].toSorted(),
    );
  });

  it('shows markup in rooms, users, events and data as text', async () => {
    await expectTextOnly('src/admin/page');
    await listen(`?room=${encodeURIComponent(TEXTS.room)}&user=${encodeURIComponent(TEXTS.user)}`);
    const page = await open();
    await show(page, 'room', TEXTS.room);
    await page.locator('#room-clients').filter({ hasText: TEXTS.user }).waitFor();
    await page.locator('#room-clients .open').click();
    await page.locator('#client-facts').filter({ hasText: TEXTS.user }).waitFor();
    await page.locator('#client-rooms').filter({ hasText: TEXTS.room }).waitFor();
    await page.locator('#watch').click();
    await eventually(
      async () => {
        await app.sse.broadcast(TEXTS.room, `${MARKUP} event`, `${MARKUP} data`);
        return (
          (await page
            .locator('#sent')
            .filter({ hasText: `${MARKUP} data` })
            .count()) > 0
        );
      },
      'the event',
      PATIENCE_MS,
    );
    expect(await page.locator('#sent strong').first().innerText()).toBe(`${MARKUP} event`);
    expect(await page.locator('img, b').count()).toBe(0);
    expect(await page.evaluate('window.broken')).toBeUndefined();
  });

  it('a node that dies is shown as silent, is left out of the sums, and leaves the page', async () => {
    const page = await browser.context.newPage();
    await page.clock.install();
    await page.goto(`${app.url}/sse-admin`);
    const own = await figure(page, 'Open streams', (value) => value > 0);
    const watcher = await app.listen('/sse-admin/events', { headers: OPERATOR });
    const summary = await next<object>(watcher, 'summary');
    const data = JSON.stringify({ ...summary, node: 'dead', name: 'web-2', streams: 1_000 });
    app.sse.internals.hub.deliver('*sse:admin-tell', { event: 'summary', data, serialized: false });
    await figure(page, 'Open streams', (value) => value === own + 1_000);
    await page.clock.fastForward(10_000);
    const dead = page.locator('#nodes tr').filter({ hasText: 'web-2' });
    await dead.filter({ hasText: 'Silent for' }).waitFor();
    await figure(page, 'Open streams', (value) => value === own);
    await page.clock.fastForward(25_000);
    await eventually(
      async () => (await dead.count()) === 0,
      'the row of the dead node has left',
      PATIENCE_MS,
    );
    watcher.close();
  });

  it('stays small and answers keys with 10,000 clients in 5,000 rooms, while summaries of 100 nodes arrive', async () => {
    const limits = { maxStreams: false, maxStreamsPerUser: false } as const;
    const large = await express.start(adminApp(OPTIONS, { limits }));
    crowd(large.sse, tenants());
    const watcher = await large.listen('/sse-admin/events', { headers: OPERATOR });
    const summary = await next<Summary>(watcher, 'summary', (made) => made.streams === 10_000);
    expect([summary.rooms, summary.topRooms.length]).toEqual([5_001, 50]);
    expect(JSON.stringify(summary).length).toBeLessThan(4_000);

    const page = await openPage(browser, large.url, faults);
    await figure(page, 'Open streams', (value) => value === 10_000);
    const elements = (): Promise<number> => page.evaluate(`document.querySelectorAll('*').length`);
    expect(await elements()).toBeLessThan(800);

    // Each node lists other rooms than its last summary did.
    let sent = 0;
    const over = new AbortController();
    const send = async (): Promise<void> => {
      for (; !over.signal.aborted; sent++) {
        const topRooms = summary.topRooms.map(([room], index) => [`${room}/${sent}`, 1_000 + index + sent]);
        const other = { ...summary, node: `node-${sent % 100}`, name: `web-${sent % 100}`, topRooms };
        const data = JSON.stringify(other);
        large.sse.internals.hub.deliver('*sse:admin-tell', { event: 'summary', data, serialized: false });
        await pause(5);
      }
    };
    const sending = send();
    await eventually(
      async () => (await page.locator('#nodes tbody tr').count()) === 101,
      'all nodes',
      PATIENCE_MS,
    );
    for (const text of ['a', 'b', 'c']) {
      const before = sent;
      await page.locator('#find-text').press(text);
      // The page draws between its summaries.
      await page.evaluate(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))`);
      await eventually(() => sent > before + 20, 'more summaries', PATIENCE_MS);
    }
    expect(await page.locator('#find-text').inputValue()).toBe('abc');
    expect(await page.locator('#rooms tbody tr').count()).toBeLessThanOrEqual(50);
    expect(await elements()).toBeLessThan(800 + 100 * 15);
    over.abort();
    await sending;

    await show(page, 'room', 'all');
    await page.locator('#room-state').filter({ hasText: '10,000 clients' }).waitFor();
    expect(await page.locator('#room-clients li').count()).toBe(100);
    await large.close();
    faults = faults.filter((fault) => !LOST_SERVER.test(fault));
  });

  it('says that it reconnects while the server is away, and goes on when it is back', async () => {
    const page = await open();
    const port = portOf(app.server);
    await app.shutDown();
    await page.locator('#state').filter({ hasText: 'Reconnecting' }).waitFor();
    app = await start(port);
    await page.locator('#state').filter({ hasText: 'Live, 1 node' }).waitFor();
    await listen('?room=after');
    await figure(page, 'Open streams', (value) => value === 1);
    expect(await page.locator('#nodes tbody tr').count()).toBe(1);
    faults = faults.filter((fault) => !LOST_SERVER.test(fault));
  });
});

/** The reasons of a gap, as the table of docs/11-wire.md lists them. */
function gapReasons(): string[] {
  const [, section = ''] = readFileSync('docs/11-wire.md', 'utf8').split('\n| `reason` | Means |\n');
  const [table = ''] = section.split('\n\n');
  return Array.from(table.matchAll(/^\| `(\w+)` \|/gm), ([, reason = '']) => reason);
}

/** Writes a picture into the folder of the variable SSE_PICTURES, for a developer to look at. */
async function picture(page: Page, name: string, { width, colorScheme }: View): Promise<void> {
  const folder = process.env['SSE_PICTURES'];
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png` });
}
