import { connect } from 'node:http2';
import { Controller, Get, type Type } from '@nestjs/common';
import { SseRoom, type SseModuleOptions } from 'nestjs-simple-sse';
import { express, fastify, http2Platforms, platforms } from '../support/platforms.js';
import { RawSocket } from '../support/raw-socket.js';
import { sseApp } from '../support/sse-app.js';
import { within } from '../support/within.js';
import { adapterThatTrusts } from './trusting-adapter.js';
import type { RunningApp } from '../support/running-app.js';

const SHOP = 'https://shop.example';
const HOST = 'Host: shop.example';
const [CROSS_SITE, SAME_SITE] = ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Site: same-site'];

@Controller()
class StreamController {
  @Get('stream')
  @SseRoom('lobby')
  stream(): void {}
}

const app = (options: SseModuleOptions = {}): Type => sseApp({ controllers: [StreamController], options });

/** Origins that are not `https://shop.example`, however they look. */
const FOREIGN_ORIGINS = [
  'null',
  '',
  'https://evil.example',
  'https://shop.example.evil.example',
  'https://evilshop.example',
  'https://www.shop.example',
  'https://shop.example.',
  'https://shop.example:8443',
  'https://shop.example:80',
  'https://shop.example@evil.example',
  'https://evil.example@shop.example',
  'https://evil.example/https://shop.example',
  'https://evil.example?shop.example',
  'https://evil.example#shop.example',
  'https://evil.example\\@shop.example',
  'https://shop.example\\@evil.example',
  'https://shop.example/evil',
  'https://shop.example, https://evil.example',
  'https://shop.example https://evil.example',
  'shop.example',
  '//shop.example',
  'file://shop.example',
  'chrome-extension://shop.example',
  'javascript://shop.example/%0aalert(1)',
  `https://${'a'.repeat(4_000)}.shop.example`,
];

describe.each(platforms)('a cross-site attack, on $name,', (platform) => {
  let running: RunningApp;
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  /** Status of a request with a cookie and these header lines, as they are. */
  async function statusOf(...lines: string[]): Promise<number> {
    const socket = await RawSocket.connect(running.url);
    try {
      socket.write(['GET /stream HTTP/1.1', 'Cookie: session=1', ...lines, '', ''].join('\r\n'));
      await socket.receives(/^HTTP\/1\.1 \d{3}/);
      return Number(socket.received.slice(9, 12));
    } finally {
      socket.destroy();
    }
  }

  it('by an origin that only looks like the host of the request is answered with 403', async () => {
    running = await platform.start(app());
    for (const origin of FOREIGN_ORIGINS)
      expect([origin, await statusOf(HOST, `Origin: ${origin}`)]).toEqual([origin, 403]);
    for (const origin of [SHOP, 'HTTPS://SHOP.EXAMPLE', 'http://shop.example', 'https://shop.example:443'])
      expect([origin, await statusOf(HOST, `Origin: ${origin}`)]).toEqual([origin, 200]);
  });

  it('by an origin that only looks like one of the list is answered with 403', async () => {
    running = await platform.start(app({ allowedOrigins: [SHOP] }));
    for (const origin of [...FOREIGN_ORIGINS, 'HTTPS://SHOP.EXAMPLE', 'http://shop.example']) {
      for (const site of [CROSS_SITE, SAME_SITE])
        expect([origin, await statusOf('Host: api.example', site, `Origin: ${origin}`)]).toEqual([
          origin,
          403,
        ]);
    }
    expect(await statusOf('Host: api.example', CROSS_SITE, `Origin: ${SHOP}`)).toBe(200);
    expect(await statusOf('Host: api.example', SAME_SITE)).toBe(403);
  });

  it('with Sec-Fetch-Site repeated, in capitals or of an unknown value is answered with 403', async () => {
    running = await platform.start(app());
    for (const value of [
      '',
      'SAME-ORIGIN',
      'same-origin, cross-site',
      'same origin',
      'same-origin;x',
      'true',
    ])
      expect([value, await statusOf(HOST, `Sec-Fetch-Site: ${value}`)]).toEqual([value, 403]);
    const twice = ['Sec-Fetch-Site: same-origin', CROSS_SITE];
    expect(await statusOf(HOST, ...twice)).toBe(403);
    expect(await statusOf(HOST, ...twice.toReversed(), 'Origin: https://evil.example')).toBe(403);
  });

  it('with two origins, or credentials that look like none, is answered with 403', async () => {
    running = await platform.start(app());
    expect(await statusOf(HOST, `Origin: ${SHOP}`, 'Origin: https://evil.example')).toBe(403);
    const evil = { origin: 'https://evil.example' };
    const credentialsOfBrowsers: Record<string, string>[] = [
      { cookie: '' },
      { authorization: 'Basic YTpi' },
      { authorization: ' nEgOtIaTe abc' },
      { authorization: 'Bearer abc' },
    ];
    for (const credentials of credentialsOfBrowsers)
      expect((await running.open('/stream', { headers: { ...evil, ...credentials } })).status).toBe(403);
  });

  it('with headers of a proxy that the application does not trust is answered with 403', async () => {
    running = await platform.start(app());
    for (const header of ['X-Forwarded-Host', 'X-Original-Host', 'X-Host', 'X-Forwarded-Server']) {
      const lines = [HOST, 'Origin: https://evil.example', `${header}: evil.example`];
      expect([header, await statusOf(...lines)]).toEqual([header, 403]);
    }
    expect(await statusOf(HOST, 'Origin: https://evil.example', 'Forwarded: host=evil.example')).toBe(403);
  });
});

// The adapter over `node:http` trusts no proxy.
describe.each([express, fastify])('a cross-site attack through a trusted proxy, on $name,', (platform) => {
  it('is judged by the host that the proxy names', async () => {
    const running = await platform.start(app(), { adapter: adapterThatTrusts(platform) });
    const headers = { cookie: 'session=1', 'x-forwarded-host': 'shop.example' };
    for (const origin of ['https://evil.example', running.url])
      expect((await running.open('/stream', { headers: { ...headers, origin } })).status).toBe(403);
    await running.listen('/stream', { headers: { ...headers, origin: SHOP } });
    await running.disconnectAll();
    await running.close();
  });
});

describe.each(http2Platforms)('a cross-site attack over HTTP/2, on $name,', (platform) => {
  it('is judged by :authority, and a host that contradicts it is that of no origin', async () => {
    const running = await platform.start(app());
    const session = connect(running.url, { rejectUnauthorized: false });
    const statusOf = (headers: Record<string, string>): Promise<number> =>
      within(
        new Promise((resolve, reject) => {
          const own = { ':path': '/stream', cookie: 'session=1', ':authority': 'shop.example', ...headers };
          const stream = session.request(own, { endStream: true });
          stream.once('error', reject);
          stream.once('response', (answer) => {
            resolve(Number(answer[':status']));
            stream.close();
          });
        }),
        'an answer',
      );
    try {
      expect(await statusOf({ origin: SHOP })).toBe(200);
      expect(await statusOf({ origin: 'https://evil.example' })).toBe(403);
      expect(await statusOf({ origin: SHOP, host: 'shop.example' })).toBe(200);
      const contradiction = { host: 'evil.example' };
      expect(await statusOf({ origin: 'https://evil.example', ...contradiction })).toBe(403);
      expect(await statusOf({ origin: SHOP, ...contradiction })).toBe(403);
    } finally {
      session.close();
    }
    await running.disconnectAll();
    await running.close();
  });
});
