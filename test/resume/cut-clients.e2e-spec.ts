import { Controller, Get, Header } from '@nestjs/common';
import { fetchEventSource } from '@microsoft/fetch-event-source';
import { EventSource as NpmEventSource } from 'eventsource';
import { SseRoom } from 'nestjs-simple-sse';
import { connectSse, type ConnectOptions } from 'nestjs-simple-sse/client';
import { EventSource as UndiciEventSource } from 'undici';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { launchChromium, noBrowser, type Browser } from '../support/chromium.js';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause } from '../support/within.js';
import { CuttingProxy } from './cutting-proxy.js';
import { chosenSeed } from '../support/seeds.js';
import type { RunningApp } from '../support/running-app.js';

/** The least number of cuts for each client. */
const CUTS = 25;
const LONG_MS = 60_000;

@Controller()
class BadNetworkController {
  @Get('stream')
  @SseRoom(['numbers', 'more'])
  stream(): void {}

  @Get('page')
  @Header('content-type', 'text/html')
  page(): string {
    return `<!doctype html><title>Bad network</title><script>
      const received = [], gaps = [];
      function listen() {
        const source = new EventSource('/stream');
        source.onmessage = ({ data }) => received.push(data);
        source.addEventListener('sse:gap', ({ data }) => gaps.push(data));
      }
    </script>`;
  }
}

/** A running client, with the texts of its events and its gaps. */
interface RunningClient {
  received(): Promise<string[]> | string[];
  gaps(): Promise<string[]> | string[];
  stop(): unknown;
}

interface EventSourceLike {
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void;
  close(): void;
}

function overEventSource(source: EventSourceLike): RunningClient {
  const received: string[] = [];
  const gaps: string[] = [];
  source.addEventListener('message', ({ data }) => received.push(String(data)));
  source.addEventListener('sse:gap', ({ data }) => gaps.push(String(data)));
  return { received: () => received, gaps: () => gaps, stop: () => source.close() };
}

/** The library needs a window and a document, of which it uses the timers and one listener. */
function overFetch(url: string): RunningClient {
  const received: string[] = [];
  const gaps: string[] = [];
  const stopping = new AbortController();
  Object.assign(globalThis, {
    window: globalThis,
    document: { hidden: false, addEventListener: () => {}, removeEventListener: () => {} },
  });
  void fetchEventSource(url, {
    fetch,
    openWhenHidden: true,
    signal: stopping.signal,
    onmessage: ({ event, data }) => {
      if (event === 'sse:gap') gaps.push(data);
      // It also reports blocks that hold only an id.
      else if (event === '' && data !== '') received.push(data);
    },
    onclose: () => {
      throw new Error('reconnect');
    },
  });
  return { received: () => received, gaps: () => gaps, stop: () => stopping.abort() };
}

/** The client of this package, which waits as long as the server says. */
function overLive(url: string, options: ConnectOptions): RunningClient {
  const received: string[] = [];
  const gaps: string[] = [];
  const live = connectSse(`${url}/stream`, { maxRetryMs: 1, ...options });
  live.on('message', (_data, { text }) => received.push(text));
  live.on('sse:gap', (_data, { text }) => gaps.push(text));
  return { received: () => received, gaps: () => gaps, stop: () => live.close() };
}

const clients: [string, (url: string) => RunningClient][] = [
  ['EventSource of undici', (url) => overEventSource(new UndiciEventSource(`${url}/stream`))],
  ['EventSource of eventsource', (url) => overEventSource(new NpmEventSource(`${url}/stream`))],
  ['@microsoft/fetch-event-source', (url) => overFetch(`${url}/stream`)],
  ['connectSse over fetch', (url) => overLive(url, {})],
  ['connectSse over EventSource', (url) => overLive(url, { EventSource: NpmEventSource })],
];

describe.each(platforms)('a client in a network that cuts connections, on $name', (platform) => {
  const seed = chosenSeed();
  let running: RunningApp;
  let proxy: CuttingProxy;

  beforeEach(async () => {
    running = await platform.start(
      sseApp({
        controllers: [BadNetworkController],
        options: { retryMs: 1, historyMaxEvents: 100_000 },
      }),
    );
    const random = seededRandom(seed);
    // Half of the cuts are early, during the attach.
    proxy = await CuttingProxy.start(running.url, () =>
      Math.ceil((random() < 0.5 ? 1_500 : 30_000) * random()),
    );
  });
  afterEach(async () => {
    proxy.close();
    await running.close();
  });

  /** Publishes until the connection was cut often enough, then expects each event once and in order. */
  async function expectEverything(listening: RunningClient): Promise<void> {
    const random = seededRandom(seed + 1);
    try {
      await eventually(() => running.sse.count('numbers') === 1, 'the client');
      await running.sse.broadcast('numbers', '0');
      await eventually(async () => (await listening.received()).length === 1, 'the first event');
      proxy.isCutting = true;
      let count = 1;
      while (proxy.cuts < CUTS || count < 1_000) {
        const rooms = random() < 0.2 ? ['numbers', 'more'] : random() < 0.5 ? 'more' : 'numbers';
        await running.sse.broadcast(rooms, `${count++} ${'x'.repeat(500 * random() ** 2)}`);
        if (count % 5 === 0) await pause(2);
        if (count > 50_000) throw new Error(`only ${proxy.cuts} cuts`);
      }
      proxy.isCutting = false;
      await running.sse.broadcast('numbers', String(count));
      await eventually(async () => (await listening.received()).at(-1) === String(count), 'the last event');
      const numbers = (await listening.received()).map((text) => parseInt(text, 10));
      expect(numbers).toEqual(Array.from({ length: count + 1 }, (_, n) => n));
      expect(await listening.gaps()).toEqual([]);
      expect(proxy.cuts).toBeGreaterThanOrEqual(CUTS);
    } finally {
      await listening.stop();
    }
  }

  it.each(clients)(
    `built on %s receives every event once and in order (SEED=${seed})`,
    async (_, listen) => {
      await expectEverything(listen(proxy.url));
    },
    LONG_MS,
  );

  const inBrowser = noBrowser === undefined ? describe : describe.skip;
  inBrowser(`in Chromium${noBrowser === undefined ? '' : ` (skipped: ${noBrowser})`}`, () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(() => browser.close());

    it(
      `receives every event once and in order (SEED=${seed})`,
      async () => {
        const page = await browser.context.newPage();
        await page.goto(`${proxy.url}/page`);
        await page.evaluate('listen()');
        await expectEverything({
          received: () => page.evaluate<string[]>('received'),
          gaps: () => page.evaluate<string[]>('gaps'),
          stop: () => page.close(),
        });
      },
      LONG_MS,
    );
  });
});
