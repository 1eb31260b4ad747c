import { request as requestOverHttps } from 'node:https';
import { Controller, Get, Post, Req, Res } from '@nestjs/common';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import compression from 'compression';
import expressFramework, { type Request, type Response } from 'express';
import session from 'express-session';
import helmet from 'helmet';
import { SseRoom } from 'nestjs-simple-sse';
import { SseExpressAdapter } from 'nestjs-simple-sse/express';
import { RawSocket } from '../support/raw-socket.js';
import { express } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { throwAwayCertificate, throwAwayKey } from '../support/throw-away-certificate.js';
import { within } from '../support/within.js';
import type { INestApplication } from '@nestjs/common';
import type { Server } from 'node:http';
import type { RunningApp } from '../support/running-app.js';

declare module 'express-session' {
  interface SessionData {
    steps: number;
  }
}

@Controller()
class PagesController {
  @Get('facts')
  facts(@Req() request: Request): unknown {
    request.session.steps = (request.session.steps ?? 0) + 1;
    const { ip, hostname, protocol, path, query, subdomains, xhr, fresh } = request;
    return {
      seen: { ip, hostname, protocol, path, query, subdomains, xhr, fresh },
      steps: request.session.steps,
      accepts: request.accepts('html', 'json'),
      hasApp: typeof request.app.get('env') === 'string',
      long: 'x'.repeat(4_000),
    };
  }

  @Get('cookie')
  cookie(@Res() response: Response): void {
    response.cookie('a', 'b', { httpOnly: true }).status(202).location('/there').json({ set: true });
  }

  @Get('redirect')
  redirect(@Res() response: Response): void {
    response.redirect('/facts');
  }

  @Post('body')
  body(@Req() request: Request): unknown {
    return request.body;
  }

  @Get('events')
  @SseRoom('news')
  events(@Req() request: Request): void {
    request.session.steps = 10;
  }
}

function configure(app: INestApplication): void {
  app.use(compression({ threshold: 1_000 }), helmet());
  app.use(session({ secret: 'a secret', resave: false, saveUninitialized: false }));
  const mounted = expressFramework();
  mounted.get('/', (request, response) =>
    response.json({ mounted: request.baseUrl, app: request.app === mounted }),
  );
  app.use('/mounted', mounted);
}

const start = (adapter: ExpressAdapter): Promise<RunningApp> =>
  express.start(sseApp({ controllers: [PagesController] }), { adapter, configure });

describe('an application on SseExpressAdapter', () => {
  const running: RunningApp[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.close()));
  });

  it('has requests and responses with the prototypes of Express from the beginning', async () => {
    const seen: unknown[] = [];
    for (const adapter of [new SseExpressAdapter(), new ExpressAdapter()]) {
      const app = await start(adapter);
      running.push(app);
      app.server.prependListener('request', (request: object, response: object) => {
        const framework = adapter.getInstance<{ request: object; response: object }>();
        seen.push([
          Object.getPrototypeOf(request) === framework.request,
          Object.getPrototypeOf(response) === framework.response,
        ]);
      });
      await fetch(`${app.url}/facts`);
    }
    expect(seen).toEqual([
      [true, true],
      [false, false],
    ]);
  });

  it('answers like ExpressAdapter, with cookies, sessions, compression, helmet and a mounted application', async () => {
    const answers = [];
    for (const adapter of [new SseExpressAdapter(), new ExpressAdapter()]) {
      const app = await start(adapter);
      running.push(app);
      const ofAdapter: unknown[] = [];
      let cookie = '';
      const ask = async (
        path: string,
        { headers = {}, ...init }: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
      ): Promise<void> => {
        const response = await fetch(app.url + path, {
          redirect: 'manual',
          ...init,
          headers: { cookie, ...headers },
        });
        const { date: _date, 'set-cookie': set = '', ...received } = Object.fromEntries(response.headers);
        cookie = set.includes('connect.sid') ? (set.split(';')[0] as string) : cookie;
        ofAdapter.push([response.status, received, set.replace(/sid=[^;]*/, 'sid='), await response.text()]);
      };
      await ask('/facts?a=1');
      await ask('/facts');
      await ask('/cookie');
      await ask('/redirect');
      await ask('/mounted');
      await ask('/nowhere');
      await ask('/body', {
        method: 'POST',
        body: '{"a":1}',
        headers: { 'content-type': 'application/json' },
      });
      const stream = await app.listen('/events', { headers: { cookie } });
      await app.sse.broadcast('news', 'hello', { n: 1 });
      const { data } = await stream.nextEvent();
      const { date: _date, ...head } = stream.headers;
      ofAdapter.push(head, data);
      await ask('/facts');
      answers.push(ofAdapter);
      await app.disconnectAll();
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(JSON.stringify(answers[0])).toContain('"content-encoding":"gzip"');
  });

  it('serves HTTPS, and ends kept-alive connections where forceCloseConnections says so', async () => {
    const nest = {
      forceCloseConnections: true,
      httpsOptions: { key: throwAwayKey, cert: throwAwayCertificate },
    };
    const secure = await express.start(sseApp({ controllers: [PagesController] }), {
      adapter: new SseExpressAdapter(),
      configure,
      nest,
    });
    running.push(secure);
    const url = `${secure.url.replace('http:', 'https:')}/cookie`;
    const status = await within(
      new Promise((resolve, reject) =>
        requestOverHttps(url, { rejectUnauthorized: false }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end(),
      ),
      'an answer over TLS',
    );
    expect(status).toBe(202);

    const plain = await express.start(sseApp({ controllers: [PagesController] }), {
      adapter: new SseExpressAdapter(),
      configure,
      nest: { forceCloseConnections: true },
    });
    const socket = await RawSocket.connect(plain.url);
    socket.get('/cookie');
    await socket.receives(/set":true/);
    await within(plain.close(), 'the close');
    await socket.ended();
  });

  it('keeps a server of its own for each application', async () => {
    const apps = [await start(new SseExpressAdapter()), await start(new SseExpressAdapter())];
    running.push(...apps);
    const instances = apps.map(
      ({ app }) => (app as NestExpressApplication).getHttpAdapter().getInstance() as { request: object },
    );
    expect(instances[0]?.request).not.toBe(instances[1]?.request);
    expect(new Set(apps.map(({ app }) => app.getHttpServer() as Server)).size).toBe(2);
  });
});
