import { Controller, Get, type INestApplication, type NestInterceptor } from '@nestjs/common';
import fastifyHelmet from '@fastify/helmet';
import helmet from 'helmet';
import { map } from 'rxjs';
import { SseAdminModule, type SseAdminOptions } from 'nestjs-simple-sse/admin';
import { platforms, express, type StartOptions } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { sseApp } from '../support/sse-app.js';
import { adminApp, change, listener, OPERATOR, OPTIONS } from './admin-app.js';
import type { RunningApp } from '../support/running-app.js';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Observable } from 'rxjs';

const ALLOW = { canActivate: () => true };

describe('the operator’s page is refused at start-up', () => {
  it.each<[string, SseAdminOptions, RegExp]>([
    ['without a guard', {}, /has no guard.*guards: \[YourGuard\].*unprotected: true/],
    ['with an empty list of guards', { guards: [] }, /has no guard/],
    ['with unprotected: false and no guard', { unprotected: false }, /has no guard/],
    ['with guards that are called unprotected', { guards: [ALLOW], unprotected: true }, /has both guards/],
    ['with something that is no guard', { guards: [unchecked(class {})] }, /"guards".*list of guards/],
    ['with an unknown option', unchecked({ guard: [ALLOW] }), /no option "guard".*"guards"/],
    ['with a path that has a parameter', { path: 'ops/:id', guards: [ALLOW] }, /"path".*without parameters/],
    ['with a path that leads out of its folder', { path: '../ops', guards: [ALLOW] }, /"path"/],
    ['with an empty name of the node', { nodeName: '', guards: [ALLOW] }, /"nodeName"/],
    ['with options that are no object', unchecked([]), /must be an object/],
  ])('%s', async (_title, options, message) => {
    const error = await sseRefusal(() => express.start(adminApp(options)));
    expect(error.code).toBe('invalid-options');
    expect(error.message).toMatch(message);
  });
});

class Wrapping implements NestInterceptor {
  intercept(_context: unknown, next: { handle(): Observable<unknown> }): Observable<unknown> {
    return next.handle().pipe(map((data) => ({ wrapped: data })));
  }
}

/** Set-ups of the application that must not break the page, with the address of the page. */
const SETUPS: readonly [string, string, StartOptions][] = [
  ['plain', '/sse-admin', {}],
  ['a global prefix', '/api/v1/sse-admin', { configure: (app) => app.setGlobalPrefix('api/v1') }],
  ['a version in each address', '/sse-admin', { configure: (app) => app.enableVersioning() }],
  [
    'an interceptor that wraps answers',
    '/sse-admin',
    { configure: (app) => app.useGlobalInterceptors(new Wrapping()) },
  ],
  ['helmet', '/sse-admin', { configure: useHelmet }],
];

async function useHelmet(app: INestApplication): Promise<void> {
  const adapter = app.getHttpAdapter();
  if (adapter.getType() === 'fastify') await (adapter as FastifyAdapter).register(fastifyHelmet as never);
  else app.use(helmet());
}

describe.each(platforms)('on $name', (platform) => {
  describe.each(SETUPS)('with %s', (_title, path, options) => {
    let app: RunningApp;

    beforeAll(async () => {
      app = await platform.start(adminApp(), options);
    });
    afterAll(() => app?.close());

    it('the page, its files and its stream are served to the operator, under a policy without inline code', async () => {
      const response = await fetch(app.url + path, { headers: OPERATOR });
      const html = await response.text();
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        'text/html; charset=utf-8',
      ]);
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy.split('; ')).toEqual(
        expect.arrayContaining([
          "default-src 'none'",
          "script-src 'self'",
          "style-src 'self'",
          "connect-src 'self'",
        ]),
      );
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/);
      const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file);
      expect(files.length).toBeGreaterThan(3);
      for (const file of files) {
        const asset = await fetch(new URL(file, app.url + path), { headers: OPERATOR });
        expect([file, asset.status, asset.headers.get('x-content-type-options')]).toEqual([
          file,
          200,
          'nosniff',
        ]);
      }
      const stream = await app.listen(`${path}/events`, { headers: OPERATOR });
      expect((await stream.nextEvent()).event).toBe('summary');
    });
  });

  describe('the page', () => {
    let app: RunningApp;

    beforeAll(async () => {
      app = await platform.start(adminApp());
    });
    afterEach(() => app.disconnectAll());
    afterAll(() => app?.close());

    it.each(['', '/assets/app.js', '/events', '/events?client=x'])(
      'does not answer %s to anybody whom the guard refuses',
      async (path) => {
        expect((await fetch(`${app.url}/sse-admin${path}`)).status).toBe(403);
      },
    );

    it('takes no change from anybody whom the guard refuses', async () => {
      const { id, stream } = await listener(app);
      const answer = await change(app, 'disconnect', { client: id }, { cookie: '' });
      expect([answer.status, stream.isOpen]).toEqual([403, true]);
    });

    it.each<[string, Record<string, string>]>([
      ['of another site', { 'sec-fetch-site': 'cross-site' }],
      ['of another origin of the same site', { 'sec-fetch-site': 'same-site' }],
      ['that somebody has typed', { 'sec-fetch-site': 'none' }],
      ['with the Origin of another server', { origin: 'http://evil.example' }],
      ['with the Origin of a document without one', { origin: 'null' }],
      ['without the header of the page', { 'sse-admin': '' }],
      ['as a form sends it', { 'content-type': 'text/plain' }],
    ])('takes no change %s, though the operator’s cookie is sent', async (_title, headers) => {
      const { id, stream } = await listener(app);
      for (const path of ['disconnect', 'send']) {
        const answer = await change(app, path, { client: id, data: 'x' }, headers);
        expect([path, answer.status]).toEqual([path, 403]);
      }
      expect(stream.isOpen).toBe(true);
      expect(stream.events.map(({ event }) => event)).not.toContain('message');
    });

    it.each<[string, Record<string, string>]>([
      ['of its own origin', { 'sec-fetch-site': 'same-origin' }],
      ['of its own origin over plain HTTP', { origin: 'own' }],
      ['of a program', {}],
    ])('takes a change %s', async (_title, { origin, ...headers }) => {
      const { id, stream } = await listener(app);
      const own: Record<string, string> = origin === undefined ? {} : { origin: app.url };
      const answer = await change(app, 'disconnect', { client: id }, { ...headers, ...own });
      expect(await answer.json()).toEqual({ streams: 1 });
      await stream.eventsUntilEnd();
    });

    it('shows its data to no page of another site', async () => {
      const headers = { ...OPERATOR, 'sec-fetch-site': 'cross-site' };
      expect((await app.open('/sse-admin/events', { headers })).status).toBe(403);
    });

    it.each<[string, unknown, RegExp]>([
      ['disconnect', {}, /"client" is missing/],
      ['disconnect', { client: '' }, /No client has such an id/],
      ['disconnect', { client: 'a b' }, /No client has such an id/],
      ['send', { client: '../x', data: 'x' }, /No client has such an id/],
      ['disconnect', { client: { room: 'a' } }, /"client" is a text/],
      ['disconnect', { cliemt: 'x' }, /no "cliemt".*"client"/],
      ['send', { data: 'x' }, /either "client" or "room"/],
      ['send', { client: 'x', room: 'a', data: 'x' }, /either "client" or "room"/],
      ['send', { room: '*', data: 'x' }, /one client or one room/],
      ['send', { room: '*sse:admin-tell', data: 'x' }, /begins with/],
      ['send', { room: 'a', event: 'sse:gap', data: 'x' }, /sse:/],
      ['send', ['x'], /JSON object/],
    ])('answers %s of %j with 400 and the reason', async (path, body, reason) => {
      const answer = await change(app, path, body);
      const { message } = (await answer.json()) as { message: string };
      expect([answer.status, message]).toEqual([400, expect.stringMatching(reason)]);
    });

    it.each([
      '/events?client=',
      '/events?client=a%20b',
      '/events?room=',
      '/events?room=*',
      '/events?room=a&room=b',
    ])('answers %s, which names nothing, with 400', async (path) => {
      expect((await app.open(`/sse-admin${path}`, { headers: OPERATOR })).status).toBe(400);
    });

    it('has no file but its own', async () => {
      for (const name of ['index.html', '..%2findex.js', 'app.ts', 'constructor']) {
        const { status } = await fetch(`${app.url}/sse-admin/assets/${name}`, { headers: OPERATOR });
        expect([name, status]).toEqual([name, 404]);
      }
    });
  });
});

it('a page with another path is served there, and with unprotected: true to everybody', async () => {
  const app = await express.start(adminApp({ path: 'ops/live', unprotected: true }));
  const html = await (await fetch(`${app.url}/ops/live`)).text();
  expect(html).toContain('src="live/assets/app.js"');
  expect((await fetch(`${app.url}/ops/live/assets/app.js`)).status).toBe(200);
  const below = await (await fetch(`${app.url}/ops/live/`)).text();
  expect(below).toContain('src="assets/app.js"');
  await app.close();
});

it('the page needs no SseModule of its own beside it, and shares the one of the application', async () => {
  @Controller()
  class OtherController {
    @Get('other')
    other(): string {
      return 'other';
    }
  }
  const app = await express.start(
    sseApp({
      imports: [SseAdminModule.forRoot(OPTIONS)],
      controllers: [OtherController],
      options: unchecked({ isGlobal: false }),
    }),
  );
  expect((await fetch(`${app.url}/sse-admin`, { headers: OPERATOR })).status).toBe(200);
  await app.close();
});
