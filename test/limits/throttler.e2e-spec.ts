import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { EventSource, type FetchLike } from 'eventsource';
import { compileApp } from '../support/compiled-app.js';
import { openStream, type EventStream } from '../support/event-stream.js';
import { eventually, PATIENCE_MS, within } from '../support/within.js';

/** Time of the limit and of the block behind it, in milliseconds: too long to pass during a test. */
const TTL_MS = 600_000;
/** Time of the block of the address `short`, in milliseconds. */
const SHORT_BLOCK_MS = 1_000;

/**
 * Applications with the throttler as a global guard, with a guard behind it, and with a filter that answers each exception by
 * 418. Each address of `x-forwarded-for` has two requests of each route in `TTL_MS`.
 */
const MAIN = `
  import { Catch, Controller, Get, Inject, Injectable, Module, UseFilters, UseGuards } from '@nestjs/common';
  import { APP_FILTER, APP_GUARD, HttpAdapterHost, NestFactory } from '@nestjs/core';
  import { ExpressAdapter } from '@nestjs/platform-express';
  import { FastifyAdapter } from '@nestjs/platform-fastify';
  import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
  import { SseModule, SseRoom } from 'nestjs-simple-sse';
  import { SseThrottlerGuard } from 'nestjs-simple-sse/throttler';
  import { ThrottledController } from './throttled.js';

  @Catch()
  class EveryExceptionFilter {
    constructor(@Inject(HttpAdapterHost) adapterHost) { this.adapterHost = adapterHost; }
    catch(error, host) {
      this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), { filtered: error.message }, 418);
    }
  }

  let asked = 0;
  @Injectable()
  class CountingGuard {
    canActivate() { asked++; return true; }
  }

  @Controller()
  class AppController {
    @Get('stream')
    @UseFilters(EveryExceptionFilter)
    @UseGuards(CountingGuard)
    @SseRoom('lobby')
    stream() {}
    @Get('page') page() { return 'a page'; }
    @Get('asked') count() { return String(asked); }
  }

  @Controller('plain')
  @UseGuards(ThrottlerGuard)
  class PlainController {
    @Get('page') page() { return 'a page'; }
  }

  const throttler = ThrottlerModule.forRoot([{
    ttl: ${TTL_MS},
    limit: 2,
    blockDuration: (context) =>
      context.switchToHttp().getRequest().headers['x-forwarded-for'] === 'short' ? ${SHORT_BLOCK_MS} : ${TTL_MS},
    getTracker: (request) => request.headers['x-forwarded-for'] ?? request.ip,
    skipIf: (context) => context.getHandler().name === 'count',
  }]);
  const guard = { provide: APP_GUARD, useClass: SseThrottlerGuard };
  const filter = { provide: APP_FILTER, useClass: EveryExceptionFilter };

  @Module({ imports: [SseModule.forRoot(), throttler], controllers: [AppController], providers: [guard, filter] })
  class FilteredModule {}

  @Module({ imports: [SseModule.forRoot(), throttler], controllers: [ThrottledController, PlainController] })
  class RecipeModule {}

  const adapters = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter(), http2: () => new FastifyAdapter({ http2: true }) };
  const urls = {};
  for (const [name, adapter] of Object.entries(adapters)) {
    for (const [kind, module] of Object.entries({ filtered: FilteredModule, recipe: RecipeModule })) {
      const app = await NestFactory.create(module, adapter(), { logger: false });
      await app.listen(0, '127.0.0.1');
      urls[name + ' ' + kind] = await app.getUrl();
    }
  }
  console.log(JSON.stringify(urls));
`;

// In a process of its own: @nestjs/throttler is CommonJS, and Jest cannot load the ES modules that it requires.
let compiled: ReturnType<typeof compileApp>;
let child: ChildProcess;
let urls: Record<string, string>;

beforeAll(async () => {
  compiled = compileApp(MAIN, ['test/recipes/code/throttled.ts']);
  const started = spawn(process.execPath, [compiled.main], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = started;
  const [line] = (await within(once(started.stdout, 'data'), 'the addresses', PATIENCE_MS)) as unknown[];
  urls = JSON.parse(String(line)) as Record<string, string>;
}, 2 * PATIENCE_MS);
afterAll(() => {
  child.kill('SIGKILL');
  compiled.remove();
});

describe.each(['express', 'fastify', 'http2'])('SseThrottlerGuard, on %s,', (platform) => {
  let session: ClientHttp2Session | undefined;
  const open = (kind: string, path: string, headers: Record<string, string>): Promise<EventStream> => {
    const url = urls[`${platform} ${kind}`] ?? '';
    if (platform === 'http2' && session?.destroyed !== false) session = connect(url);
    return openStream(url + path, { headers, ...(session && { session }) });
  };
  afterEach(() => session?.destroy());

  /** Makes the two requests that the limit admits. */
  async function useUp(kind: string, path: string, address: string): Promise<void> {
    for (let n = 0; n < 2; n++) {
      const answer = await open(kind, path, { 'x-forwarded-for': address });
      expect(answer.status).toBe(200);
      answer.close();
    }
  }

  it('answers a stream over the limit with a retry of the time until it is admitted again, and the end', async () => {
    await useUp('filtered', '/stream', 'a');
    const askedBefore = await (await open('filtered', '/asked', {})).json();
    const refused = await open('filtered', '/stream', { 'x-forwarded-for': 'a' });
    expect([refused.status, refused.isEventStream]).toEqual([200, true]);
    expect(await within(refused.ended, 'the end')).toBe('whole');
    expect([refused.events.length, refused.retries.length]).toEqual([0, 1]);
    expect(refused.retries[0]).toBeGreaterThanOrEqual(TTL_MS / 2);
    expect(refused.retries[0]).toBeLessThanOrEqual(1.5 * TTL_MS);
    expect(await (await open('filtered', '/asked', {})).json()).toBe(askedBefore);
  });

  it('answers 429 and Retry-After to a client that asks for a status, past the filters of the application', async () => {
    await useUp('filtered', '/stream', 'b');
    for (const [name, value] of [
      ['accept', 'application/json'],
      ['sse-refusal', 'status'],
    ] as const) {
      const refused = await open('filtered', '/stream', { 'x-forwarded-for': 'b', [name]: value });
      expect([refused.status, await refused.json()]).toEqual([
        429,
        { statusCode: 429, message: 'ThrottlerException: Too Many Requests' },
      ]);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(TTL_MS / 2_000);
    }
  });

  it('leaves another route to the filters of the application', async () => {
    await useUp('filtered', '/page', 'c');
    const refused = await open('filtered', '/page', { 'x-forwarded-for': 'c' });
    expect([refused.status, await refused.json()]).toEqual([
      418,
      { filtered: 'ThrottlerException: Too Many Requests' },
    ]);
  });

  it('answers another route as ThrottlerGuard does, and counts its routes apart, as the recipe shows', async () => {
    const answers = [];
    for (const path of ['/throttled/page', '/plain/page']) {
      await useUp('recipe', path, 'd');
      const refused = await open('recipe', path, { 'x-forwarded-for': 'd' });
      answers.push([refused.status, await refused.text(), Object.keys(refused.headers).toSorted()]);
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.slice(0, 2)).toEqual([429, expect.stringContaining('Too Many Requests')]);
    const stream = await open('recipe', '/throttled/stream', { 'x-forwarded-for': 'd' });
    expect([stream.status, stream.headers['x-ratelimit-limit'], stream.isOpen]).toEqual([200, '2', true]);
    stream.close();
  });
});

it.each(['express', 'fastify'])(
  'an EventSource over the limit, on %s, opens by itself once it is admitted',
  async (platform) => {
    const url = `${urls[`${platform} filtered`]}/stream`;
    const headers = { 'x-forwarded-for': 'short' };
    for (let n = 0; n < 2; n++) (await openStream(url, { headers })).close();
    let opens = 0;
    const fetchAsAddress: FetchLike = async (input, init) => {
      opens++;
      return fetch(input, { ...init, headers: { ...init.headers, ...headers } });
    };
    const source = new EventSource(url, { fetch: fetchAsAddress });
    const states: number[] = [];
    let isReady = false;
    source.addEventListener('sse:ready', () => (isReady = true));
    source.addEventListener('error', () => states.push(source.readyState));
    try {
      await eventually(() => isReady, 'its stream', PATIENCE_MS);
      expect(states).not.toContain(EventSource.CLOSED);
      expect(opens).toBeGreaterThan(1);
    } finally {
      source.close();
    }
  },
);
