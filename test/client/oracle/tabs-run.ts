import { freePort, RedisServer } from '../../redis/redis-server.js';
import { documentedPart, ProxyProcess } from '../../proxies/proxy-process.js';
import { CuttingProxy } from '../../resume/cutting-proxy.js';
import { seededRandom } from '../../../src/testing/seeded-random.js';
import type { Browser } from '../../support/chromium.js';
import { eventually, pause } from '../../support/within.js';
import type { RunningApp } from '../../support/running-app.js';
import { FaultyProxy } from '../faulty-proxy.js';
import { Tab } from './tab.js';
import { startNode } from './tabs-app.js';
import { judgeUse } from './tabs-judge.js';

const ROOMS = ['chat/0', 'chat/1', 'chat/2', 'match/3'];
/** Used by `useTwice` alone. */
const OWN_ROOM = 'own/4';
const TABS = 3;
/** Time for the last events to arrive. A leader that hangs is left after about 18 seconds. */
const END_MS = 45_000;

/** What happens to the tabs, to the servers and between them. */
export const FAULTS = {
  'close a tab': (run) => run.replaceTab((tab) => tab.close()),
  'close the leader': (run) => run.closeLeader(),
  'crash a tab': (run) => run.replaceTab((tab) => tab.crash(run.browser)),
  'freeze a tab': (run) => run.freeze([run.anyTab()], 1_500),
  sleep: (run) => run.freeze(run.tabs, 1_500),
  'restart a node': (run) => run.restartNode(),
  'answer 503': (run) => run.during('status', 400),
  silence: (run) => run.during('silence', 2_500),
  'cut at any byte': (run) => run.cutAtRandom(),
  'jump of the clock': (run) => run.eachTab(`jump(${Math.round((run.random() - 0.5) * 7_200_000)})`),
  'lose the session': (run) => run.loseSession(),
  'expire the ticket': (run) => run.expireTicket(),
  'change rooms': (run) => run.changeRooms(),
  'use a room twice': (run) => run.useTwice(),
} satisfies Record<string, (run: TabsRun) => Promise<unknown>>;

/** Only in long runs: a frozen leader is left, and follows when it goes on. */
export const LONG_FAULTS = {
  'freeze the leader for long': (run: TabsRun): Promise<unknown> => run.freeze(run.tabs.slice(0, 1), 25_000),
};

/** Returns the next fault to play; `undefined` at the end. */
export type NextFault = () => ((run: TabsRun) => Promise<unknown>) | undefined;

export type FaultName = keyof typeof FAULTS;

export interface TabsVerdict {
  /** What was lost, doubled or out of order, in which tab. */
  readonly faults: readonly string[];
  /** Events that tabs received. */
  readonly received: number;
  readonly errors: readonly string[];
}

/** Several tabs that share a connection, over nginx, to two nodes with Redis; and one publisher. */
export class TabsRun {
  readonly tabs: Tab[] = [];
  readonly #published = new Map([...ROOMS, OWN_ROOM].map((room): [string, number[]] => [room, []]));
  #isPublishing = true;
  #tabCount = 0;

  private constructor(
    readonly browser: Browser,
    readonly random: () => number,
    private readonly redis: RedisServer,
    private readonly nodes: RunningApp[],
    private readonly ports: readonly number[],
    private readonly nginx: ProxyProcess,
    private readonly faulty: FaultyProxy,
    private readonly cutting: CuttingProxy,
    private readonly changed: ((text: string) => string) | undefined,
  ) {}

  static async start(browser: Browser, seed: number, changed?: (text: string) => string): Promise<TabsRun> {
    const random = seededRandom(seed);
    const redis = await RedisServer.start();
    const ports = [await freePort(), await freePort()];
    const nodes = await Promise.all(ports.map((port) => startNode(redis.url, port, changed)));
    const nginx = await ProxyProcess.start('nginx', ports, documentedPart('docs/08-production.md', 'nginx'));
    const faulty = await FaultyProxy.start(nginx.url);
    const cutting = await CuttingProxy.start(faulty.url, () => Math.ceil(4_000 * random() ** 2));
    return new TabsRun(browser, random, redis, nodes, ports, nginx, faulty, cutting, changed);
  }

  /** Opens the tabs, plays the faults while events are published, and judges what the tabs received. */
  async play(next: NextFault, endMs = END_MS): Promise<TabsVerdict> {
    for (let n = 0; n < TABS; n++) await this.#openTab();
    const publishing = this.#publish();
    for (let fault = next(); fault !== undefined; fault = next()) {
      await fault(this);
      await pause(50 + 200 * this.random());
    }
    this.#isPublishing = false;
    await publishing;
    return this.#judge(endMs);
  }

  anyTab(): Tab {
    return this.tabs[Math.floor(this.random() * this.tabs.length)] as Tab;
  }

  async replaceTab(end: (tab: Tab) => Promise<void>): Promise<void> {
    const [tab] = this.tabs.splice(Math.floor(this.random() * this.tabs.length), 1);
    if (tab !== undefined) await end(tab);
    await this.#openTab();
  }

  async freeze(tabs: readonly Tab[], forMs: number): Promise<void> {
    for (const tab of tabs) await tab.setFrozen(true);
    await pause(forMs);
    for (const tab of tabs) await tab.setFrozen(false);
  }

  async restartNode(): Promise<void> {
    const index = this.random() < 0.5 ? 0 : 1;
    await (this.nodes[index] as RunningApp).close();
    this.nodes[index] = await startNode(this.redis.url, this.ports[index] as number, this.changed);
  }

  async during(fault: FaultyProxy['fault'], forMs: number): Promise<void> {
    this.faulty.fault = fault;
    if (fault !== 'silence') this.faulty.cut();
    await pause(forMs);
    this.faulty.fault = 'none';
  }

  async cutAtRandom(): Promise<void> {
    this.cutting.isCutting = true;
    await pause(1_000);
    this.cutting.isCutting = false;
  }

  async eachTab(script: string): Promise<void> {
    for (const { page } of this.tabs) await page.evaluate(script);
  }

  async loseSession(): Promise<void> {
    this.faulty.fault = 'reset';
    this.faulty.cut();
    await eventually(() => this.nodes.every(({ sse }) => sse.count() === 0), 'the end of the stream');
    const keys =
      'for _, key in ipairs(redis.call("KEYS", "sse:{0}:h:*")) do redis.call("DEL", key) end return 1';
    await this.redis.command('EVAL', keys, '0');
    this.faulty.fault = 'none';
  }

  async expireTicket(): Promise<void> {
    await this.browser.context.clearCookies();
    await this.eachTab('isTicketOld = true');
    this.faulty.cut();
  }

  /** The oldest tab leads, as long as no other was frozen. */
  async closeLeader(): Promise<void> {
    await this.tabs.shift()?.close();
    await this.#openTab();
  }

  /** Ends one of two uses of a room in a tab. */
  async useTwice(): Promise<void> {
    const tab = this.anyTab();
    await this.#use(tab, OWN_ROOM);
    await this.#use(tab, OWN_ROOM);
    await tab.leave(OWN_ROOM);
  }

  async changeRooms(): Promise<void> {
    await this.anyTab().leave();
    await this.#use(this.anyTab());
  }

  async dispose(): Promise<void> {
    this.#isPublishing = false;
    for (const page of this.browser.context.pages()) await page.close();
    this.cutting.close();
    this.faulty.close();
    await this.nginx.stop();
    for (const node of this.nodes) await node.close();
    await this.redis.dispose();
  }

  async #openTab(): Promise<void> {
    const tab = await Tab.open(this.browser, this.cutting.url, `tab ${++this.#tabCount}`);
    // In one room with another tab, as a rule.
    await this.#use(tab);
    await this.#use(tab);
    this.tabs.push(tab);
  }

  #use(tab: Tab, room = ROOMS[Math.floor(this.random() * ROOMS.length)] as string): Promise<void> {
    return tab.use(room, (name) => (this.#published.get(name) ?? []).length);
  }

  async #publish(): Promise<void> {
    while (this.#isPublishing) {
      await this.#publishOne([...this.#published.keys()].filter(() => this.random() < 0.3));
      await pause(10);
    }
    await this.#publishOne([...this.#published.keys()]);
  }

  /** Publishes one event to all these rooms, at a node that is open. */
  async #publishOne(rooms: readonly string[]): Promise<void> {
    if (rooms.length === 0) return;
    const numbers = rooms.map((room) => [room, (this.#published.get(room) as number[]).length] as const);
    for (const room of rooms) this.#published.get(room)?.push(Date.now());
    const idempotencyKey = JSON.stringify(numbers);
    for (;;) {
      const node = this.nodes[this.random() < 0.5 ? 0 : 1] as RunningApp;
      try {
        await node.sse.broadcast([...rooms], 'said', Object.fromEntries(numbers), { idempotencyKey });
        return;
      } catch {
        await pause(20);
      }
    }
  }

  async #judge(endMs: number): Promise<TabsVerdict> {
    const faults = async (): Promise<string[]> => {
      const records = await Promise.all(this.tabs.map((tab) => tab.records()));
      return records
        .flat()
        .flatMap((record) => judgeUse(record, this.#published.get(record.room) as number[]));
    };
    await eventually(async () => (await faults()).length === 0, 'the last events', endMs).catch(() => {});
    const records = (await Promise.all(this.tabs.map((tab) => tab.records()))).flat();
    return {
      faults: await faults(),
      received: records.reduce((sum, { received }) => sum + received.length, 0),
      errors: (await Promise.all(this.tabs.map(({ page }) => page.evaluate<string[]>('errors')))).flat(),
    };
  }
}
