import type { CDPSession, Page } from 'playwright-core';
import type { Browser } from '../../support/chromium.js';
import { within } from '../../support/within.js';
import { crash } from '../tabs.js';
import type { Received, UseRecord } from './tabs-judge.js';

/** Time for a room to be joined. A leader that hangs is left after about 18 seconds. */
const JOIN_MS = 40_000;

/** Runs in each tab: uses rooms, and records what they receive. */
const SCRIPT = `{
  // The clock of the machine, also while a fault changes the clock of the page.
  const now = Date.now.bind(Date);
  const uses = [];
  let ticket;
  Object.assign(window, {
    errors: [],
    isTicketOld: false,
    async newTicket() {
      if (isTicketOld && ticket) isTicketOld = false;
      else ({ ticket } = await (await fetch('/tickets', { method: 'POST' })).json());
      return ticket;
    },
    jump(byMs) { Date.now = () => now() + byMs; },
    async use(room) {
      const handle = live.room(room);
      const index = uses.push({ room, handle, received: [], isOpen: true }) - 1;
      handle.on('said', (numbers) => uses[index].received.push(numbers[room]));
      await handle.joined;
      return index;
    },
    leave(index) {
      uses[index].isOpen = false;
      uses[index].handle.leave();
    },
    records: () => uses.map(({ received, isOpen }) => ({ received, isOpen })),
  });
  window.live = connectSse('/live', {
    share: true, ticket: newTicket, maxRetryMs: 100, rooms: { url: '/rooms' },
    onError: (error) => errors.push(String(error.message)),
  });
  live.onGap(({ rooms }) => {
    for (const use of uses) if (rooms.includes(use.room)) use.received.push({ gapAtMs: now() });
  });
}`;

/** A tab of the page, and the rooms that it uses. */
export class Tab {
  readonly #uses: { readonly room: string; readonly from: number; isOpen: boolean }[] = [];

  private constructor(
    readonly name: string,
    readonly page: Page,
    private readonly devtools: CDPSession,
  ) {}

  static async open(browser: Browser, url: string, name: string): Promise<Tab> {
    const page = await browser.context.newPage();
    await page.goto(`${url}/page`);
    await page.waitForFunction('window.isLoaded');
    await page.evaluate(SCRIPT);
    return new Tab(name, page, await browser.context.newCDPSession(page));
  }

  /** @param published returns the number of events of a room whose publish has begun */
  async use(room: string, published: (room: string) => number): Promise<void> {
    await within(this.page.evaluate(`use('${room}')`), `${this.name} in ${room}`, JOIN_MS).catch(
      async (error: unknown) => {
        const state = await this.page.evaluate('[live.state, live.stateDetail, errors]');
        throw new Error(`${String(error)}: ${JSON.stringify(state)}`, { cause: error });
      },
    );
    this.#uses.push({ room, from: published(room), isOpen: true });
  }

  /** Ends the oldest use, or that of a room, if there is more than one. */
  async leave(room?: string): Promise<void> {
    const open = [...this.#uses.entries()].filter(([, use]) => use.isOpen);
    const [index, use] = open.find(([, each]) => room === undefined || each.room === room) ?? [];
    if (open.length < 2 || use === undefined) return;
    use.isOpen = false;
    await this.page.evaluate(`leave(${index})`);
  }

  async setFrozen(isFrozen: boolean): Promise<void> {
    await this.devtools.send('Page.setWebLifecycleState', { state: isFrozen ? 'frozen' : 'active' });
  }

  async close(): Promise<void> {
    await this.page.close();
  }

  async crash(browser: Browser): Promise<void> {
    await crash(browser, this.page);
    await this.page.close();
  }

  async records(): Promise<UseRecord[]> {
    const all = await this.page.evaluate<{ received: Received[]; isOpen: boolean }[]>('records()');
    return this.#uses.map((use, index) => {
      const { received = [], isOpen = false } = all[index] ?? {};
      return { tab: this.name, room: use.room, from: use.from, isOpen, received };
    });
  }
}
