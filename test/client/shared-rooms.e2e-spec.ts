import type { Page } from 'playwright-core';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { fastify } from '../support/platforms.js';
import { eventually, pause, PATIENCE_MS } from '../support/within.js';
import { FaultyProxy } from './faulty-proxy.js';
import { RoomsController, roomsApp } from './rooms-app.js';
import { serveClient } from './served-client.js';
import { crash } from './tabs.js';
import type { RunningApp } from '../support/running-app.js';

const LONG_MS = 90_000;

describeUnless(noBrowser, 'rooms of a client in Chromium', () => {
  let browser: Browser;
  let running: RunningApp;
  let proxy: FaultyProxy;

  beforeEach(async () => {
    browser = await launchChromium();
    running = await fastify.start(roomsApp({ heartbeatIntervalMs: 1_000 }), {
      configure: (app) => serveClient(app),
    });
    proxy = await FaultyProxy.start(running.url);
  });
  afterEach(async () => {
    await browser.close();
    proxy.close();
    await running.close();
  });

  /** Opens a tab that uses a room, and waits until it has joined it. */
  async function open(room: string, share = true): Promise<Page> {
    const page = await browser.context.newPage();
    await page.goto(`${proxy.url}/page`);
    await page.waitForFunction('window.isLoaded');
    await page.evaluate(`{
      window.said = [];
      window.gaps = [];
      window.faults = [];
      window.live = connectSse('/events', {
        share: ${share},
        rooms: { url: '/rooms' },
        maxRetryMs: 50,
        onError: (error) => faults.push(error.message),
      });
      live.onGap(({ rooms, reason }) => gaps.push(reason + ': ' + rooms));
    }`);
    await use(page, room);
    return page;
  }

  const say = (room: string, text: string): Promise<unknown> => running.sse.broadcast(room, 'said', text);
  const inRoom = (room: string, count: number): Promise<void> =>
    eventually(() => running.sse.count(room) === count, `${count} in ${room}`, PATIENCE_MS);

  it('over EventSource receives the events of each room, which are named beside those of other names', async () => {
    const page = await open('chat/7', false);
    await say('chat/7', 'one');
    await running.sse.broadcast('chat/7', 'unknown', 0);
    await running.sse.broadcast('news', 'said', 'no chat');
    [...running.sse.clients()][0]?.send('said', 'private');
    await say('chat/7', 'two');
    await receives(page, 'chat/7 one', 'chat/7 two');
    expect(await page.evaluate('faults')).toEqual([]);
  });

  it(
    'counts its rooms over tabs: they are left with the last tab, also if tabs crash or the leader does',
    async () => {
      const first = await open('chat/7');
      const second = await open('chat/7');
      const third = await open('chat/8');
      await say('chat/7', 'one');
      await receives(first, 'chat/7 one');
      await receives(second, 'chat/7 one');
      expect(running.sse.count('chat/7')).toBe(1);
      expect(running.get(RoomsController).requests).toHaveLength(2);

      await crash(browser, second);
      await pause(100);
      await say('chat/7', 'two');
      await receives(first, 'chat/7 one', 'chat/7 two');

      // The leader, and the last user of its room.
      await crash(browser, first);
      await inRoom('chat/7', 0);
      await say('chat/8', 'three');
      await receives(third, 'chat/8 three');
      await use(third, 'chat/7');
      await say('chat/7', 'four');
      await receives(third, 'chat/8 three', 'chat/7 four');
      await third.evaluate('chat.leave()');
      await inRoom('chat/7', 0);
      expect(running.sse.count('chat/8')).toBe(1);
      expect(await third.evaluate('[faults, gaps]')).toEqual([[], []]);
    },
    LONG_MS,
  );

  it(
    'joins its rooms again after a lost session, and reports the gap in every tab of the room',
    async () => {
      const [first, second] = [await open('chat/7'), await open('chat/8')];
      proxy.fault = 'reset';
      proxy.cut();
      await running.close();
      running = await fastify.start(roomsApp({ heartbeatIntervalMs: 1_000 }), {
        configure: (app) => serveClient(app),
      });
      proxy.target = new URL(running.url);
      proxy.fault = 'none';
      await inRoom('chat/7', 1);
      await inRoom('chat/8', 1);
      await say('chat/7', 'one');
      await say('chat/8', 'two');
      await receives(first, 'chat/7 one');
      await receives(second, 'chat/8 two');
      // It asks all tabs which rooms they use.
      await open('chat/7');
      await say('chat/7', 'three');
      await receives(first, 'chat/7 one', 'chat/7 three');
      for (const page of [first, second]) {
        const gaps = await page.evaluate<string[]>('gaps');
        expect(gaps.filter((gap) => gap.startsWith('session'))).toEqual(['session: chat/7,chat/8']);
        expect(await page.evaluate('faults')).toEqual([]);
      }
    },
    LONG_MS,
  );
});

const use = (page: Page, room: string): Promise<unknown> =>
  page.evaluate(`(async () => {
    window.chat = live.room('${room}');
    chat.on('said', (text) => said.push('${room} ' + text));
    await chat.joined;
  })()`);

const saidIn = (page: Page): Promise<string[]> => page.evaluate<string[]>('said');

const receives = (page: Page, ...texts: string[]): Promise<void> =>
  eventually(async () => (await saidIn(page)).join() === texts.join(), texts.join(), PATIENCE_MS);
