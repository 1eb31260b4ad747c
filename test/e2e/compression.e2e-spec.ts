import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { Controller, Get, Header } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom } from 'nestjs-simple-sse';
import { EventSource as UndiciEventSource } from 'undici';
import { ReceivedStream } from '../delivery/received-stream.js';
import { launchChromium, noBrowser } from '../support/chromium.js';
import { describeUnless } from '../support/describe-unless.js';
import { allPlatforms, express, platforms } from '../support/platforms.js';
import { requestOverHttp1, requestOverHttp2, type RawResponse } from '../support/raw-response.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, within } from '../support/within.js';
import type { Platform } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';

const PAGE = `<script>
  window.seen = [];
  const source = new EventSource('/prices');
  source.addEventListener('tick', ({ data, lastEventId }) => seen.push([data, lastEventId]));
  source.addEventListener('sse:gap', () => seen.push('gap'));
  source.addEventListener('error', () => seen.push(source.readyState === 2 ? 'closed' : 'error'));
</script>`;

@Controller()
class PricesController {
  @Get()
  @Header('Content-Type', 'text/html')
  page(): string {
    return PAGE;
  }

  @Get('prices')
  @Header('Vary', 'Origin')
  @SseRoom('prices', { compress: true, retryMs: 50 })
  prices(): void {}

  @Get('plain')
  @SseRoom('prices')
  plain(@ConnectedClient() _client: SseClient): void {}
}

const data = (n: number): string => JSON.stringify({ n, text: `the price of number ${n} `.repeat(40) });
const accepting = { 'accept-encoding': 'gzip, deflate, br' };

const start = (platform: Platform) =>
  platform.start(sseApp({ controllers: [PricesController], options: { heartbeatIntervalMs: 40 } }));

/** Publishes a price. @returns its id */
async function tick(running: RunningApp, n: number): Promise<string> {
  return String(await running.sse.broadcast('prices', 'tick', data(n)));
}

/** Requests a stream over the protocol of the platform. */
async function request(
  running: RunningApp,
  platform: Platform,
  path: string,
  headers: Record<string, string>,
) {
  if (!platform.http2) return requestOverHttp1(running.url + path, { headers });
  const session = connectHttp2(running.url, { rejectUnauthorized: false }).on('error', () => {});
  const response = await requestOverHttp2(session, running.url + path, { headers });
  return { ...response, close: () => session.destroy() };
}

/** Fails the test if the decoder finds a fault, such as a wrong check sum at the end. */
function unzipped(response: RawResponse): ReceivedStream {
  const decoder = createGunzip();
  decoder.on('error', (error) => faults.push(error.message));
  return new ReceivedStream(response, response.body.pipe(decoder));
}

const faults: string[] = [];
afterEach(() => {
  // A stream that the test itself cuts has no end.
  expect(faults.splice(0).filter((fault) => fault !== 'unexpected end of file')).toEqual([]);
});

describe.each(allPlatforms)('an endpoint with compress: true on $name', (platform) => {
  let running: RunningApp;
  beforeAll(async () => void (running = await start(platform)));
  afterAll(() => running.close());

  it('compresses for a client that accepts gzip, resumes it exactly, and shows it heartbeats', async () => {
    const first = await within(request(running, platform, '/prices', accepting), 'a head');
    expect(first.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      vary: 'Origin, Accept-Encoding',
    });
    const received = unzipped(first);
    await eventually(() => received.parsed().events.length > 0, 'sse:ready');
    const id = await tick(running, 1);
    await eventually(() => received.parsed().events.length > 1, 'the event');
    expect(received.parsed().events[1]).toMatchObject({ event: 'tick', data: data(1), id });
    await eventually(() => /\n\n(:\n)+$/.test(received.body.toString()), 'a heartbeat');
    first.close();

    const missed = await tick(running, 2);
    const second = await within(
      request(running, platform, '/prices', { ...accepting, 'last-event-id': id }),
      'a head',
    );
    const resumed = unzipped(second);
    await eventually(() => resumed.parsed().events.some(({ event }) => event === 'tick'), 'the missed event');
    expect(resumed.parsed().events.filter(({ event }) => event === 'tick')).toMatchObject([
      { data: data(2), id: missed },
    ]);
    second.close();
  });

  it('names the rooms of compressed events to a client that asks for them', async () => {
    const response = await within(request(running, platform, '/prices?sse=rooms', accepting), 'a head');
    const received = unzipped(response);
    await eventually(() => received.parsed().events.length > 0, 'sse:ready');
    await tick(running, 6);
    await eventually(() => received.parsed().events.length > 2, 'the event');
    expect(received.parsed().events.slice(1)).toMatchObject([
      { event: 'sse:rooms', data: JSON.stringify({ rooms: ['prices'], event: 'tick' }) },
      { event: 'tick', data: data(6) },
    ]);
    response.close();
  });

  it('sends plain bytes to a client that does not accept it, with the same events and Vary', async () => {
    const plain = await within(request(running, platform, '/prices', { 'accept-encoding': 'br' }), 'a head');
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers['vary']).toBe('Origin, Accept-Encoding');
    const received = new ReceivedStream(plain);
    await eventually(() => received.parsed().events.length > 0, 'sse:ready');
    await tick(running, 3);
    await eventually(() => received.parsed().events.some(({ event }) => event === 'tick'), 'the event');
    plain.close();
  });

  it('ends with the check sum of all that was sent, which decoders verify', async () => {
    const response = await within(request(running, platform, '/prices', accepting), 'a head');
    const received = unzipped(response);
    await eventually(() => received.parsed().events.length > 0, 'sse:ready');
    await tick(running, 4);
    await running.sse.disconnect({ room: 'prices' });
    expect(await within(received.ended, 'the end')).toBe('whole');
    expect(faults).toEqual([]);
    expect(received.parsed().events.at(-1)).toMatchObject({ event: 'tick', data: data(4) });
    response.close();
  });
});

describe.each(platforms)('clients of a compressed stream on $name', (platform) => {
  let running: RunningApp;
  beforeAll(async () => void (running = await start(platform)));
  afterAll(() => running.close());

  it('EventSource of undici receives each event as it is sent', async () => {
    const source = new UndiciEventSource(`${running.url}/prices`);
    const ticks: string[] = [];
    source.addEventListener('tick', (event) => ticks.push((event as unknown as { data: string }).data));
    await within(new Promise((resolve) => source.addEventListener('open', resolve)), 'the opening');
    for (const n of [1, 2, 3]) {
      await tick(running, n);
      await eventually(() => ticks.length === n, `event ${n}`);
    }
    source.close();
    expect(ticks).toEqual([data(1), data(2), data(3)]);
  });

  it('receive an event that was compressed once, whoever else is in the room', async () => {
    const responses = await Promise.all(
      [accepting, accepting, { 'accept-encoding': 'identity' }].map((headers) =>
        requestOverHttp1(`${running.url}/prices`, { headers }),
      ),
    );
    const raw = responses.map((response) => new ReceivedStream(response));
    await eventually(() => raw.every(({ length }) => length > 0), 'sse:ready');
    const before = raw.map(({ length }) => length);
    await tick(running, 5);
    await eventually(() => raw.every(({ length }, n) => length > (before[n] as number) + 60), 'the event');
    const [one, two] = raw.map(({ body }, n) => body.subarray(before[n])) as [Buffer, Buffer];
    expect(one.subarray(0, 60).equals(two.subarray(0, 60))).toBe(true);
    expect(one.length).toBeLessThan(data(5).length / 4);
    for (const response of responses) response.close();
  });
});

const noCurl = existsSync('/usr/bin/curl') ? undefined : 'curl is not installed';
describeUnless(noCurl, 'curl --compressed', () => {
  it('decodes a compressed stream up to its end without a complaint', async () => {
    const running = await start(express);
    const curl = promisify(execFile)('curl', ['-sSN', '--compressed', `${running.url}/prices`]);
    await eventually(() => running.sse.count() === 1, 'the client');
    await tick(running, 1);
    await running.sse.disconnect({ room: 'prices' });
    const { stdout, stderr } = await within(curl, 'the end of curl');
    await running.close();
    expect(stdout).toContain(`data: ${data(1)}\n`);
    expect(stderr).toBe('');
  });
});

describeUnless(noBrowser, 'EventSource of Chromium', () => {
  it('receives each event of a compressed stream at once, and resumes exactly after a cut and after an end', async () => {
    const running = await start(express);
    const browser = await launchChromium();
    const page = await browser.context.newPage();
    await page.goto(running.url);
    const seen = () => page.evaluate(() => (globalThis as unknown as { seen: unknown[] }).seen);
    const ids: string[] = [];
    await eventually(() => running.sse.count() === 1, 'the stream');
    for (const n of [0, 1, 2]) {
      ids.push(await tick(running, n));
      await eventually(
        async () => (await seen()).includes('error') || (await seen()).length === n + 1,
        `event ${n}`,
      );
    }
    running.server.closeAllConnections();
    ids.push(await tick(running, 3));
    await eventually(async () => JSON.stringify(await seen()).includes(`${ids[3]}`), 'the missed event');
    await running.sse.disconnect({ room: 'prices' });
    ids.push(await tick(running, 4));
    await eventually(
      async () => JSON.stringify(await seen()).includes(`${ids[4]}`),
      'the event after the end',
    );
    const all = await seen();
    await browser.close();
    await running.close();
    expect(all.filter((entry) => Array.isArray(entry))).toEqual(ids.map((id, n) => [data(n), id]));
    expect(all).not.toContain('gap');
  });
});
