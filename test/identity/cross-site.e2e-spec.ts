import { Controller, Get, Req, Res } from '@nestjs/common';
import { SseRoom, SseService, type CloseReason, type SseModuleOptions } from 'nestjs-simple-sse';
import { allPlatforms, express, fastify, type StartOptions } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { adapterThatTrusts } from './trusting-adapter.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

const OTHER = 'https://other.example';
const COOKIE = { cookie: 'session=1' };
const CROSS_SITE = { ...COOKIE, 'sec-fetch-site': 'cross-site', origin: OTHER };

/** Calls of room functions and handlers. */
let calls: string[] = [];

@Controller()
class StreamController {
  readonly reasons: CloseReason[] = [];

  constructor(private readonly sse: SseService) {}

  @Get('stream')
  @SseRoom(() => {
    calls.push('rooms');
    return 'lobby';
  })
  stream(): void {
    calls.push('handler');
  }

  @Get('raw')
  raw(@Req() request: object, @Res() response: object): void {
    const client = this.sse.add(request, response, { rooms: 'lobby' });
    client.send('never sent to a refused client');
    void client.closed.then((reason) => this.reasons.push(reason));
  }
}

function otherOfTenant(origin: string, request: { headers: Record<string, string> }): boolean {
  if (request.headers['tenant'] === undefined) throw new Error('no database');
  return origin === OTHER;
}

async function expectForbidden(stream: EventStream): Promise<void> {
  expect(stream.status).toBe(403);
  expect(await stream.json()).toMatchObject({
    statusCode: 403,
    message: expect.stringContaining('allowedOrigins') as string,
  });
}

describe.each(allPlatforms)('requests of other sites, on $name,', (platform) => {
  let running: RunningApp;

  async function start(options: SseModuleOptions = {}, startOptions: StartOptions = {}): Promise<void> {
    calls = [];
    running = await platform.start(sseApp({ controllers: [StreamController], options }), startOptions);
  }
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it.each(['/stream', '/raw'])('answer 403 on %s with a cookie, before rooms and handler', async (path) => {
    await start();
    await expectForbidden(await running.open(path, { headers: CROSS_SITE }));
    await expectForbidden(await running.open(path, { headers: { ...COOKIE, origin: OTHER } }));
    await expectForbidden(await running.open(path, { headers: { ...COOKIE, origin: 'null' } }));
    expect(calls).toEqual([]);
    expect(running.sse.count()).toBe(0);
    if (path === '/raw') expect(running.get(StreamController).reasons).toEqual(Array(3).fill('refused'));
  });

  it.each(['/stream', '/raw'])(
    'open %s without credentials, and where no header names a page',
    async (path) => {
      await start();
      const { cookie: _, ...withoutCookie } = CROSS_SITE;
      await running.listen(path, { headers: withoutCookie });
      await running.listen(path, { headers: COOKIE });
      await running.listen(path, { headers: { ...COOKIE, 'sec-fetch-site': 'same-origin' } });
      await running.listen(path, { headers: { ...COOKIE, origin: running.url } });
    },
  );

  it.each(['/stream', '/raw'])('open %s where CORS of the application allows the origin', async (path) => {
    const configure: StartOptions['configure'] = (app) =>
      app.enableCors({ origin: [OTHER], credentials: true });
    await start({}, { configure });
    const stream = await running.listen(path, { headers: CROSS_SITE });
    expect(stream.headers['access-control-allow-origin']).toBe(OTHER);
    await expectForbidden(
      await running.open(path, { headers: { ...CROSS_SITE, origin: 'https://third.example' } }),
    );
  });

  it('answer 403 where CORS allows every origin, but no credentials', async () => {
    await start({}, { configure: (app) => app.enableCors() });
    await expectForbidden(await running.open('/stream', { headers: CROSS_SITE }));
  });

  it('open where the option lists the origin, and answer 403 where it lists others', async () => {
    await start({ allowedOrigins: [OTHER] });
    await running.listen('/stream', { headers: CROSS_SITE });
    await expectForbidden(
      await running.open('/stream', { headers: { ...CROSS_SITE, origin: `${OTHER}.evil.example` } }),
    );
  });

  it('open where the function of the option returns true, and answer with what it throws', async () => {
    await start({ allowedOrigins: otherOfTenant });
    await running.listen('/stream', { headers: { ...CROSS_SITE, tenant: '1' } });
    expect((await running.open('/stream', { headers: CROSS_SITE })).status).toBe(500);
  });

  it.each(['*', false] as const)('open with the option %s', async (allowedOrigins) => {
    await start({ allowedOrigins });
    await running.listen('/stream', { headers: CROSS_SITE });
  });

  it('answer HEAD with 403 as well', async () => {
    await start();
    expect((await running.open('/stream', { method: 'HEAD', headers: CROSS_SITE })).status).toBe(403);
  });
});

// The adapter over `node:http` trusts no proxy.
describe.each([express, fastify])('the host behind a proxy, on $name,', (platform) => {
  const forwarded = { ...COOKIE, origin: 'https://app.example', 'x-forwarded-host': 'app.example' };
  let running: RunningApp;
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('is not taken from a header that any client can send', async () => {
    running = await platform.start(sseApp({ controllers: [StreamController] }));
    expect((await running.open('/stream', { headers: forwarded })).status).toBe(403);
  });

  it('is that of X-Forwarded-Host where the application trusts the proxy', async () => {
    running = await platform.start(sseApp({ controllers: [StreamController] }), {
      adapter: adapterThatTrusts(platform),
    });
    await running.listen('/stream', { headers: forwarded });
  });
});
