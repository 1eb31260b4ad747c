import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import session from '@fastify/session';
import { Controller, Get, Head, Post, Req, Res } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom } from 'nestjs-simple-sse';
import { of } from 'rxjs';
import { allPlatforms, fastify } from '../../support/platforms.js';
import { sseApp } from '../../support/sse-app.js';
import { eventually, pause } from '../../support/within.js';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { EventStream } from '../../support/event-stream.js';
import type { RunningApp } from '../../support/running-app.js';

declare module 'fastify' {
  interface Session {
    visits?: number;
  }
}

const SECRET = 'a secret of more than thirty-two characters';

/** The client of the last request to `/events`. */
const current: { client?: SseClient | undefined } = {};

@Controller()
class HooksController {
  @Get('events')
  @SseRoom('c')
  events(@ConnectedClient() client: SseClient, @Res({ passthrough: true }) reply: FastifyReply): void {
    current.client = client;
    reply.setCookie('a', '1', { path: '/' });
    reply.setCookie('b', '2', { path: '/' });
  }

  @Post('posted')
  @SseRoom('c')
  posted(@Res({ passthrough: true }) reply: FastifyReply): void {
    reply.setCookie('a', '1', { path: '/' });
  }

  @Get('ended')
  @SseRoom()
  ended(): unknown {
    return of('one', 'two');
  }

  @Get('many')
  @SseRoom()
  async *many(): AsyncGenerator<string> {
    for (let n = 0; n < 2_000; n++) yield 'x'.repeat(1_000);
  }

  @Get('failing')
  @SseRoom()
  failing(): unknown {
    return (function* () {
      yield 1;
      throw new Error('the source failed');
    })();
  }

  @Get('visits')
  @SseRoom('c')
  visits(@Req() request: FastifyRequest): void {
    request.session.visits = (request.session.visits ?? 0) + 1;
  }

  @Get('visits/now')
  now(@Req() request: FastifyRequest): unknown {
    return { visits: request.session.visits ?? 0 };
  }

  @Head('own-head')
  @SseRoom('c')
  ownHead(@Res({ passthrough: true }) reply: FastifyReply): void {
    reply.setCookie('a', '1', { path: '/' });
  }
}

function setCookies(headers: Record<string, string | string[] | undefined>): string[] {
  return [headers['set-cookie'] ?? []].flat().map((text) => text.replace('; SameSite=Lax', ''));
}

type Prepare = (instance: FastifyInstance) => unknown;

describe.each(allPlatforms.filter(({ framework }) => framework === 'fastify'))(
  'onSend hooks of $name',
  (platform) => {
    let running: RunningApp;
    let hooksRun: string[];
    let hook: (reply: FastifyReply, payload: unknown) => unknown;

    beforeAll(async () => {
      running = await platform.start(sseApp({ controllers: [HooksController] }), {
        configure: async (app) => {
          const instance: FastifyInstance = app.getHttpAdapter().getInstance();
          await instance.register(cookie);
          instance.addHook('onSend', async (_request, reply, payload) => hook(reply, payload));
          instance.addHook('onResponse', async () => void hooksRun.push('onResponse'));
          instance.addHook('onRequestAbort', (_request, done) => {
            hooksRun.push('onRequestAbort');
            done();
          });
        },
      });
    });
    beforeEach(() => {
      hooksRun = [];
      hook = (_reply, payload) => {
        hooksRun.push('onSend');
        return payload;
      };
      running.logger.clear();
    });
    afterEach(() => running.disconnectAll());
    afterAll(() => running.close());

    it('set headers of a stream, once, before its head goes out', async () => {
      hook = (reply, payload) => {
        hooksRun.push('onSend');
        reply.header('x-hook', 'ran');
        return payload;
      };
      const stream = await running.listen('/events');
      expect(stream.headers).toMatchObject({
        'x-hook': 'ran',
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
      });
      expect(setCookies(stream.headers)).toEqual(['a=1; Path=/', 'b=2; Path=/']);
      await running.sse.broadcast('c', 'live', 1);
      expect(await stream.nextEvent()).toMatchObject({ event: 'live', data: '1' });
      expect(hooksRun).toEqual(['onSend']);
      expect(running.logger.complaints).toEqual([]);
    });

    it('set headers of a stream over POST, and of a HEAD request', async () => {
      const posted = await running.listen('/posted', { method: 'POST' });
      expect([posted.status, setCookies(posted.headers)]).toEqual([200, ['a=1; Path=/']]);
      const head = await running.open('/events', { method: 'HEAD' });
      expect([head.status, head.headers['content-type']]).toEqual([200, 'text/event-stream']);
      expect([await head.text(), head.headers['content-length']]).toEqual(['', undefined]);
      expect(hooksRun.filter((name) => name === 'onSend')).toHaveLength(2);
    });

    it('are followed by onResponse once, when the stream ends', async () => {
      const stream = await running.listen('/ended');
      expect((await stream.eventsUntilEnd()).map(({ data }) => data)).toEqual(['one', 'two']);
      await eventually(() => hooksRun.length >= 2, 'onResponse');
      expect(hooksRun).toEqual(['onSend', 'onResponse']);
    });

    it('are followed by onRequestAbort once, when the client leaves', async () => {
      const stream = await running.listen('/events');
      stream.close();
      await running.disconnectAll();
      await eventually(() => hooksRun.length >= 2, 'onRequestAbort');
      // Over HTTP/2, Fastify runs onResponse too.
      expect(hooksRun.filter((name) => name !== 'onResponse')).toEqual(['onSend', 'onRequestAbort']);
    });

    it('may wait: events wait with them, in order and complete', async () => {
      hook = async (reply, payload) => {
        await pause(20);
        reply.header('x-late', 'yes');
        return payload;
      };
      const stream = await running.listen('/ended');
      expect(stream.headers['x-late']).toBe('yes');
      expect((await stream.eventsUntilEnd()).map(({ data }) => data)).toEqual(['one', 'two']);
      const many = await running.listen('/many');
      expect(await many.eventsUntilEnd()).toHaveLength(2_000);
      const failing = await running.listen('/failing');
      expect((await failing.eventsUntilEnd()).map(({ event }) => event)).toEqual(['message', 'sse:error']);
    });

    it('that fail are answered with a real status, and leave no client', async () => {
      for (const wait of [0, 10]) {
        hook = async (reply) => {
          if (wait > 0) await pause(wait);
          hook = (_reply, payload) => payload;
          throw Object.assign(new Error('no ticket'), { statusCode: 503, reply });
        };
        const answer = await running.open('/events');
        expect([answer.status >= 500, answer.isEventStream]).toEqual([true, false]);
        expect(await answer.json()).toMatchObject({ statusCode: answer.status });
        expect(running.sse.count()).toBe(0);
        expect(await current.client?.closed).toBe('refused');
      }
    });

    it('may answer in the place of a stream', async () => {
      hook = (reply) => {
        reply.type('text/plain');
        return 'closed on Sundays';
      };
      const answer = await running.open('/events');
      expect([answer.isEventStream, await answer.text()]).toEqual([false, 'closed on Sundays']);
      expect(running.sse.count()).toBe(0);
    });

    it('may end after the client is closed by the handler', async () => {
      const release = holdHooks();
      const { opened, client } = await beginOpening();
      client.close();
      release();
      const stream = await opened;
      expect(await stream.eventsUntilEnd()).toEqual([]);
      expect(await client.closed).toBe('closed');
      expect(running.sse.count()).toBe(0);
    });

    it('may end after the application began to close', async () => {
      const release = holdHooks();
      const { opened, client } = await beginOpening();
      const closed = running.shutDown();
      await eventually(() => client.isClosed, 'the end');
      release();
      const stream = await opened;
      expect([stream.status, stream.isEventStream]).toEqual([200, true]);
      expect(await stream.eventsUntilEnd()).toEqual([]);
      // Spread, so that the clients of a node that closes do not come back at once.
      expect(stream.rawText).toMatch(/^retry: \d+\n\n$/);
      await closed;
    });

    /** Sends a request. Resolves when hooks hold it. */
    async function beginOpening(): Promise<{ opened: Promise<EventStream>; client: SseClient }> {
      delete current.client;
      const opened = running.open('/events');
      await eventually(() => current.client !== undefined && hooksRun.includes('onSend'), 'a held hook');
      return { opened, client: current.client as unknown as SseClient };
    }

    function holdHooks(): () => void {
      let release!: () => void;
      const released = new Promise<void>((resolve) => (release = resolve));
      hook = async (_reply, payload) => {
        hooksRun.push('onSend');
        await released;
        return payload;
      };
      return release;
    }
  },
);

async function startWith(prepare: Prepare): Promise<RunningApp> {
  return fastify.start(sseApp({ controllers: [HooksController] }), {
    configure: (app) => prepare(app.getHttpAdapter().getInstance() as FastifyInstance),
  });
}

describe('plugins of Fastify', () => {
  it.each([
    ['with its defaults', {}],
    ['configured to compress streams', { customTypes: /./, threshold: 0 }],
  ])('@fastify/compress %s neither wraps nor holds a stream back', async (_, options) => {
    const running = await startWith(async (instance) => {
      await instance.register(cookie);
      await instance.register(compress, options);
    });
    const stream = await running.listen('/events', { headers: { 'accept-encoding': 'gzip, br' } });
    expect(stream.headers['content-encoding']).toBeUndefined();
    expect(setCookies(stream.headers)).toHaveLength(2);
    await running.sse.broadcast('c', 'live', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'live', data: '1' });
    current.client?.close();
    expect(await stream.eventsUntilEnd()).toHaveLength(1);
    expect(running.logger.complaints).toEqual([]);
    await running.close();
  });

  it('@fastify/session stores what a handler writes, and sends its cookie, when the stream opens', async () => {
    const running = await startWith(async (instance) => {
      await instance.register(cookie);
      await instance.register(session, { secret: SECRET, cookie: { secure: false } });
    });
    const stream = await running.listen('/visits');
    const [sent] = setCookies(stream.headers);
    expect(sent).toMatch(/^sessionId=/);
    const headers = { cookie: String(sent).split(';', 1)[0] as string };
    expect(await (await running.open('/visits/now', { headers })).json()).toEqual({ visits: 1 });
    const again = await running.listen('/visits', { headers });
    again.close();
    stream.close();
    await eventually(() => running.sse.count() === 0, 'no client');
    expect(await (await running.open('/visits/now', { headers })).json()).toEqual({ visits: 2 });
    await running.close();
  });
});
