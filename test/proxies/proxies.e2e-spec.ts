import { jest } from '@jest/globals';
import { EventSource } from 'eventsource';
import { describeUnless } from '../support/describe-unless.js';
import { platforms } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import type { RunningApp } from '../support/running-app.js';
import { testApp } from '../support/test.controller.js';
import { eventually, PATIENCE_MS } from '../support/within.js';
import { documentedPart, missingProxy, ProxyProcess, type ProxyName } from './proxy-process.js';

jest.setTimeout(4 * PATIENCE_MS);

const LANGUAGES = { nginx: 'nginx', haproxy: 'haproxy', varnish: 'vcl' } as const;
const EVENTS = 15;

function documented(name: ProxyName): string {
  return documentedPart('docs/08-production.md', LANGUAGES[name]);
}

/** The native client, as another project writes it: it accepts compressed answers, and reconnects by itself. */
class Reader {
  readonly texts: string[] = [];
  readonly gaps: unknown[] = [];
  opened = 0;
  readonly #source: EventSource;

  constructor(url: string) {
    this.#source = new EventSource(url);
    this.#source.addEventListener('sse:ready', () => this.opened++);
    this.#source.addEventListener('sse:gap', ({ data }) => this.gaps.push(data));
    this.#source.addEventListener('message', ({ data }) => this.texts.push(String(data)));
  }

  close(): void {
    this.#source.close();
  }
}

for (const platform of platforms) {
  for (const name of ['nginx', 'haproxy', 'varnish'] as const) {
    describeUnless(missingProxy(name), `a stream on ${platform.name} behind ${name} as documented`, () => {
      let app: RunningApp;
      let proxy: ProxyProcess;
      let reader: Reader;

      beforeAll(async () => {
        app = await platform.start(testApp({ options: { retryMs: 50, heartbeatIntervalMs: 1_000 } }));
        proxy = await ProxyProcess.start(name, portOf(app.server), documented(name));
      });
      afterAll(async () => {
        await proxy?.stop();
        await app?.close();
      });
      beforeEach(async () => {
        reader = new Reader(`${proxy.url}/rooms/news`);
        await eventually(() => reader.opened === 1, 'the stream opens', PATIENCE_MS);
      });
      afterEach(async () => {
        reader.close();
        // HAProxy and Varnish notice a client that left when they write to it.
        await eventually(() => app.sse.count() === 0, 'a heartbeat ends the stream of a client that left');
      });

      it('delivers each event before the next one is published', async () => {
        for (let n = 1; n <= EVENTS; n++) {
          await app.sse.broadcast('news', undefined, `event ${n}`);
          await eventually(() => reader.texts.length === n, `event ${n}`, PATIENCE_MS);
        }
        expect(reader.texts).toEqual(Array.from({ length: EVENTS }, (_, n) => `event ${n + 1}`));
      });

      it('resumes where it was cut, without a loss or a repetition', async () => {
        await app.sse.broadcast('news', undefined, 'before');
        await eventually(() => reader.texts.length === 1, 'the event before the cut', PATIENCE_MS);
        app.server.closeAllConnections();
        await app.sse.broadcast('news', undefined, 'meanwhile');
        await eventually(() => reader.opened === 2, 'the client has reconnected', PATIENCE_MS);
        await app.sse.broadcast('news', undefined, 'after');
        await eventually(() => reader.texts.length >= 3, 'the events after the cut', PATIENCE_MS);
        expect(reader).toMatchObject({ texts: ['before', 'meanwhile', 'after'], gaps: [] });
      });
    });
  }
}

describeUnless(missingProxy('haproxy'), 'HAProxy as documented', () => {
  it('delivers events sooner than with its defaults', async () => {
    const app = await (platforms[0] as (typeof platforms)[number]).start(testApp());
    const proxies = [
      await ProxyProcess.start('haproxy', portOf(app.server), documented('haproxy')),
      await ProxyProcess.start('haproxy', portOf(app.server)),
    ];
    const readers = proxies.map(({ url }) => new Reader(`${url}/rooms/news`));
    try {
      await eventually(() => readers.every(({ opened }) => opened === 1), 'both streams', PATIENCE_MS);
      // Both receive the same events at the same time, so a slow machine slows both.
      const arrivals: number[] = [];
      for (let n = 1; n <= EVENTS; n++) {
        await app.sse.broadcast('news', undefined, `event ${n}`);
        const first = await new Promise<number>((resolve) => {
          void Promise.all(
            readers.map((each, index) =>
              eventually(() => each.texts.length === n, `event ${n}`, PATIENCE_MS).then(() => resolve(index)),
            ),
          );
        });
        arrivals.push(first);
        await eventually(() => readers.every(({ texts }) => texts.length === n), `event ${n}`, PATIENCE_MS);
      }
      // The first event follows the head at once on both.
      expect(arrivals.filter((index) => index === 0).length).toBeGreaterThan(EVENTS / 2);
    } finally {
      for (const reader of readers) reader.close();
      for (const proxy of proxies) await proxy.stop();
      await app.close();
    }
  });
});
