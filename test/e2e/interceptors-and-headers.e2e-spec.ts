import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Header,
  Post,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { SseRoom } from 'nestjs-simple-sse';
import { map, of, Subject, tap, timeout, type Observable } from 'rxjs';
import { allPlatforms, platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { unchecked } from '../support/refusal.js';
import { eventually, pause } from '../support/within.js';
import type { INestApplication } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { RunningApp } from '../support/running-app.js';

const ticks$ = new Subject<unknown>();
let unsubscribed = 0;

@Controller()
class StreamController {
  @Get('room')
  @SseRoom('room')
  room(): void {}

  @Get('source')
  @SseRoom('room')
  async source(): Promise<Observable<unknown>> {
    await pause(5);
    return ticks$.pipe(tap({ unsubscribe: () => unsubscribed++ }));
  }

  @Get('with-header')
  @Header('X-Custom', 'yes')
  @SseRoom('room')
  withHeader(): void {}

  @Post('posted')
  @SseRoom('room')
  posted(): void {}

  @Get('ordinary')
  ordinary(): { plain: boolean } {
    return { plain: true };
  }
}

class LoggingInterceptor implements NestInterceptor {
  readonly finished: string[] = [];
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(tap({ finalize: () => this.finished.push(context.getHandler().name) }));
  }
}

class EnvelopeInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data, meta: 'enveloped' })));
  }
}

class TimeoutInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(timeout(200));
  }
}

/** Caches as Nest's CacheInterceptor does: every value but null and undefined. */
class CachingInterceptor implements NestInterceptor {
  private cached: unknown;
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.cached !== undefined && this.cached !== null) return of(this.cached);
    return next.handle().pipe(tap((value: unknown) => (this.cached = value)));
  }
}

const transformerPackage = {
  classToPlain: (value: object) => ({ ...value }),
  plainToClass: (_type: unknown, value: unknown) => value,
  plainToInstance: (_type: unknown, value: unknown) => value,
};

const SERIALIZER_WARNING = 'ClassSerializerInterceptor does not reach events';

const warnings = (app: RunningApp): number =>
  app.logger.complaints.filter(({ text }) => text.includes(SERIALIZER_WARNING)).length;

const classSerializer = () =>
  new ClassSerializerInterceptor(new Reflector(), unchecked({ transformerPackage }));

describe.each(allPlatforms)('global interceptors on $name', (platform) => {
  let running: RunningApp | undefined;

  afterEach(() => running?.close());

  async function start(...interceptors: NestInterceptor[]): Promise<RunningApp> {
    running = await platform.start(sseApp({ controllers: [StreamController] }), {
      configure: (app: INestApplication) => app.useGlobalInterceptors(...interceptors),
    });
    return running;
  }

  it.each<[string, () => NestInterceptor, number?]>([
    ['logging', () => new LoggingInterceptor()],
    ['an envelope', () => new EnvelopeInterceptor()],
    ['a timeout of 200 ms', () => new TimeoutInterceptor(), 300],
    ['a cache', () => new CachingInterceptor()],
    ['ClassSerializerInterceptor', classSerializer],
  ])('neither break nor end a stream: %s', async (_name, interceptor, silenceMs = 0) => {
    const app = await start(interceptor());
    const first = await app.listen('/source');
    const second = await app.listen('/source');
    const third = await app.listen('/room');
    await pause(silenceMs);
    ticks$.next({ tick: 1 });
    for (const stream of [first, second]) {
      expect(await stream.nextEvent()).toMatchObject({ event: 'message', data: '{"tick":1}' });
    }
    await app.sse.broadcast('room', 'live', { n: 1 });
    for (const stream of [first, second, third]) {
      expect(await stream.nextEvent()).toMatchObject({ event: 'live', data: '{"n":1}' });
      expect(stream.isOpen).toBe(true);
    }
    // The warning about the class serializer at start-up has its own test.
    const complaints = app.logger.complaints.filter(({ text }) => !text.includes(SERIALIZER_WARNING));
    expect(complaints).toEqual([]);
  });

  it('the class serializer is warned of at start-up, as it does not reach events, unless the option replaces it', async () => {
    expect(warnings(await start(classSerializer()))).toBe(1);
    await running?.close();
    running = await platform.start(
      sseApp({ controllers: [StreamController], options: { serialize: (data) => JSON.stringify(data) } }),
      { configure: (app: INestApplication) => app.useGlobalInterceptors(classSerializer()) },
    );
    expect(warnings(running)).toBe(0);
  });

  it('all together see a finished request as soon as the stream is open', async () => {
    const logging = new LoggingInterceptor();
    const app = await start(logging, new TimeoutInterceptor(), new EnvelopeInterceptor(), classSerializer());
    const stream = await app.listen('/source');
    await eventually(() => logging.finished.includes('source'), 'the end of the request for interceptors');
    unsubscribed = 0;
    await app.sse.broadcast('room', 'live', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'live' });
    expect(unsubscribed).toBe(0);
    stream.close();
    await eventually(() => unsubscribed === 1, 'the source unsubscribed on disconnect');
  });

  it('still work for ordinary routes', async () => {
    const app = await start(new EnvelopeInterceptor());
    const answer = await app.open('/ordinary');
    expect(await answer.json()).toEqual({ data: { plain: true }, meta: 'enveloped' });
  });
});

class UppercaseInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value) => String(value).toUpperCase()));
  }
}

@Controller()
class InnerInterceptorController {
  @UseInterceptors(UppercaseInterceptor)
  @SseRoom(undefined, { endOnComplete: true })
  @Get('inner')
  inner(): Observable<string> {
    return of('a', 'b');
  }

  @UseInterceptors(UppercaseInterceptor)
  @SseRoom()
  @Get('inner-value')
  value(): string {
    return 'one';
  }

  @UseInterceptors(UppercaseInterceptor)
  @SseRoom()
  @Get('inner-promise')
  async promise(): Promise<string> {
    return Promise.resolve('later');
  }

  @UseInterceptors(UppercaseInterceptor)
  @SseRoom()
  @Get('inner-generator')
  async *generator(): AsyncGenerator<string> {
    yield* ['c', 'd'];
  }
}

describe.each(platforms)('an interceptor above @SseRoom() on $name', (platform) => {
  it('maps the values of the handler one by one', async () => {
    const running = await platform.start(sseApp({ controllers: [InnerInterceptorController] }));
    const stream = await running.listen('/inner');
    expect((await stream.eventsUntilEnd()).map(({ data }) => data)).toEqual(['A', 'B']);
    await running.close();
  });

  it('maps one value and the value of a promise, and no value of an AsyncIterable', async () => {
    const running = await platform.start(sseApp({ controllers: [InnerInterceptorController] }));
    const values = async (path: string): Promise<string[]> =>
      (await (await running.listen(path)).eventsUntilEnd()).map(({ data }) => data);
    expect(await values('/inner-value')).toEqual(['ONE']);
    expect(await values('/inner-promise')).toEqual(['LATER']);
    expect(await values('/inner-generator')).toEqual(['c', 'd']);
    await running.close();
  });
});

describe.each(allPlatforms)('the response head on $name', (platform) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await platform.start(sseApp({ controllers: [StreamController] }), {
      nest: { cors: { origin: 'https://shop.example', credentials: true, exposedHeaders: ['x-request-id'] } },
      configure: (app: INestApplication) =>
        app.use((_request: unknown, response: ServerResponse, next: () => void) => {
          response.setHeader('X-Request-Id', 'from-middleware');
          next();
        }),
    });
  });
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  it('has the headers that browsers and proxies need', async () => {
    const { headers } = await running.listen('/room');
    expect(headers['content-type']).toMatch(/^text\/event-stream(; ?charset=utf-8)?$/i);
    expect(headers['cache-control']).toMatch(/\bno-cache\b/);
    expect(headers['cache-control']).toMatch(/\bno-transform\b/);
    expect(headers['x-accel-buffering']).toBe('no');
    expect(headers['content-length']).toBeUndefined();
    if (platform.http2) expect(headers['connection']).toBeUndefined();
  });

  it('has the headers that CORS, middleware and @Header() set', async () => {
    const { headers } = await running.open('/with-header', { headers: { origin: 'https://shop.example' } });
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://shop.example',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'x-request-id',
      'x-request-id': 'from-middleware',
      'x-custom': 'yes',
      'content-type': expect.stringMatching(/^text\/event-stream/),
    });
  });

  it('is 200 for POST', async () => {
    const stream = await running.listen('/posted', {
      method: 'POST',
      body: '{"prompt":"hello"}',
      headers: { 'content-type': 'application/json' },
    });
    await running.sse.broadcast('room', 'answer', 'well');
    expect(await stream.nextEvent()).toMatchObject({ event: 'answer', data: 'well' });
  });

  it('is the whole answer to HEAD: no client connects and no room is joined', async () => {
    let connected = 0;
    const subscription = running.sse.connected$.subscribe(() => connected++);
    const answer = await running.open('/room', { method: 'HEAD' });
    expect([answer.status, answer.isEventStream]).toEqual([200, true]);
    expect(await answer.text()).toBe('');
    subscription.unsubscribe();
    expect([connected, running.sse.count(), [...running.sse.rooms()]]).toEqual([0, 0, []]);
  });
});
