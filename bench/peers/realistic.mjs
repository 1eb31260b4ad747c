/**
 * Applications as they are deployed, for the figures of a connect and of an idle client: a guard, a pipe and an interceptor for
 * all routes, and a room from a parameter of the route.
 */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { importBuild } from '../lib/build.mjs';
import { decorate } from './decorate.mjs';
import { listen } from './listen.mjs';
import { startNest } from './nest-application.mjs';

const root = createRequire(new URL('../../package.json', import.meta.url));

/** The first eleven headers of helmet: a typical head is 1 KB. */
export const SECURITY_HEADERS = {
  'Content-Security-Policy':
    "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-DNS-Prefetch-Control': 'off',
  'X-Download-Options': 'noopen',
  'X-Frame-Options': 'SAMEORIGIN',
  'X-Permitted-Cross-Domain-Policies': 'none',
};

/** Guard, pipe and interceptor of the whole application. */
function globalProviders() {
  const { APP_GUARD, APP_INTERCEPTOR, APP_PIPE } = root('@nestjs/core');
  const { tap } = root('rxjs');
  return [
    {
      provide: APP_GUARD,
      useValue: { canActivate: (context) => Boolean(context.switchToHttp().getRequest()) },
    },
    { provide: APP_PIPE, useValue: { transform: (value) => value } },
    {
      provide: APP_INTERCEPTOR,
      useValue: { intercept: (_context, next) => next.handle().pipe(tap(() => {})) },
    },
  ];
}

/** A middleware that sets the headers, or none. */
const middleware = (headers) => (_request, response, next) => {
  for (const name of Object.keys(headers)) response.setHeader(name, headers[name]);
  next();
};

async function application(module, platform, headers) {
  const prepare = headers ? (app) => app.use(middleware(SECURITY_HEADERS)) : undefined;
  return startNest(module, platform, prepare);
}

const servers = {
  /** The floor: a server by hand. */
  async http({ headers }) {
    const server = createServer((_request, response) => {
      response.writeHead(200, {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-cache',
        ...(headers && SECURITY_HEADERS),
      });
      response.flushHeaders();
      clients.add(response);
      response.on('close', () => clients.delete(response));
    });
    const clients = new Set();
    const running = await listen(server);
    return {
      ...running,
      publish: (data) => {
        for (const response of clients) response.write(`data: ${data}\n\n`);
      },
    };
  },

  /** Nest's own `@Sse()`. */
  async nest({ platform, headers }) {
    const { Controller, Module, Param, Sse } = root('@nestjs/common');
    const { Subject } = root('rxjs');
    const subject = new Subject();
    class EventsController {
      events() {
        return subject.asObservable();
      }
    }
    decorate(EventsController, {
      on: [Controller('rooms')],
      methods: { events: { on: [Sse(':room/events')], parameters: [Param('room')] } },
    });
    class AppModule {}
    decorate(AppModule, {
      on: [Module({ controllers: [EventsController], providers: globalProviders() })],
    });
    const { port, connections } = await application(AppModule, platform, headers);
    return { port, connections, publish: (data) => subject.next({ data }) };
  },

  /** This module. */
  async module({ platform, headers }) {
    const { SseModule, SseRoom, SseService } = await importBuild();
    const { Controller, Get, Module, Param } = root('@nestjs/common');
    class EventsController {
      events() {}
    }
    decorate(EventsController, {
      on: [Controller('rooms')],
      methods: {
        events: { on: [Get(':room/events'), SseRoom('orders/:room')], parameters: [Param('room')] },
      },
    });
    class AppModule {}
    decorate(AppModule, {
      on: [
        Module({
          imports: [SseModule.forRoot({ heartbeatIntervalMs: 600_000 })],
          controllers: [EventsController],
          providers: globalProviders(),
        }),
      ],
    });
    const { app, port, connections } = await application(AppModule, platform, headers);
    const sse = app.get(SseService);
    return {
      port,
      connections,
      publish: (data) => sse.broadcast('orders/1', data),
      count: () => sse.count(),
    };
  },

  /** better-sse in a handler of Nest on Express. */
  async betterSse({ headers }) {
    const { Controller, Get, Module, Param, Req, Res } = root('@nestjs/common');
    const { createChannel, createSession } = await import('better-sse');
    const channel = createChannel();
    class EventsController {
      async events(_room, request, response) {
        channel.register(await createSession(request, response, { keepAlive: 600_000 }));
      }
    }
    decorate(EventsController, {
      on: [Controller('rooms')],
      methods: { events: { on: [Get(':room/events')], parameters: [Param('room'), Req(), Res()] } },
    });
    class AppModule {}
    decorate(AppModule, {
      on: [Module({ controllers: [EventsController], providers: globalProviders() })],
    });
    const { port, connections } = await application(AppModule, 'express', headers);
    return { port, connections, publish: (data) => channel.broadcast(data) };
  },
};

/** Starts the server of a subject. */
export const startRealistic = ({ server, ...options }) => servers[server](options);

/** The subjects: a name, and what is started. */
export const SUBJECTS = {
  'node:http': { server: 'http' },
  'Nest @Sse(), Express': { server: 'nest', platform: 'express' },
  'Nest @Sse(), SseExpressAdapter': { server: 'nest', platform: 'sse-express' },
  'Nest @Sse(), Fastify': { server: 'nest', platform: 'fastify' },
  'Nest @Sse(), node:http adapter': { server: 'nest', platform: 'node' },
  'better-sse in Nest, Express': { server: 'betterSse' },
  'this module, Express': { server: 'module', platform: 'express' },
  'this module, SseExpressAdapter': { server: 'module', platform: 'sse-express' },
  'this module, Fastify': { server: 'module', platform: 'fastify' },
  'this module, node:http adapter': { server: 'module', platform: 'node' },
};
