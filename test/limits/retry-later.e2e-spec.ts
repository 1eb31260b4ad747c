import {
  Catch,
  Controller,
  Get,
  Injectable,
  Post,
  Scope,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { EventSource } from 'eventsource';
import { SseRetryLaterException, SseRoom, SseRun } from 'nestjs-simple-sse';
import { allPlatforms, platforms } from '../support/platforms.js';
import { RawSocket } from '../support/raw-socket.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, within } from '../support/within.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

/** The requests that the guard still refuses, and the time that it gives them. */
const rest = { refusals: Infinity, retryAfterMs: 2_000 };

const refused = (): SseRetryLaterException =>
  new SseRetryLaterException('Down for maintenance', { status: 429, retryAfterMs: rest.retryAfterMs });

@Injectable()
class MaintenanceGuard implements CanActivate {
  canActivate(): boolean {
    if (rest.refusals-- > 0) throw refused();
    return true;
  }
}

/** Answers each exception with a status, as filters of applications do. */
@Catch()
@Injectable()
class EveryExceptionFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<object>();
    const text = exception instanceof Error ? exception.message : '';
    this.host.httpAdapter.reply(response, { filtered: text }, 418);
  }
}

@Controller()
@UseFilters(EveryExceptionFilter)
class MaintainedController {
  @Get('guarded')
  @UseFilters(EveryExceptionFilter)
  @UseGuards(MaintenanceGuard)
  @SseRoom('lobby')
  guarded(): void {}

  @Get('room')
  @SseRoom(() => {
    throw refused();
  })
  room(): void {}

  @SseRoom('lobby')
  @UseFilters(EveryExceptionFilter)
  @Get('handler')
  handler(): Promise<void> {
    return Promise.reject(refused());
  }

  @Post('run')
  @UseGuards(MaintenanceGuard)
  @SseRun('a-run')
  run(): string {
    return 'one';
  }

  @Get('without-time')
  @SseRoom(() => {
    throw new SseRetryLaterException();
  })
  withoutTime(): void {}

  @Get('page')
  @UseGuards(MaintenanceGuard)
  page(): string {
    return 'a page';
  }

  @Get('failing')
  @SseRoom('lobby')
  failing(): void {
    throw new Error('no database');
  }

  @Get('open')
  @SseRoom('lobby')
  open(): void {}
}

@Controller({ path: 'scoped', scope: Scope.REQUEST })
class ScopedController {
  @Get()
  @UseGuards(MaintenanceGuard)
  @SseRoom('lobby')
  scoped(): void {}
}

const app = sseApp({
  controllers: [MaintainedController, ScopedController],
  providers: [{ provide: APP_FILTER, useClass: EveryExceptionFilter }],
  options: { limits: { retryAfterMs: 500 } },
});

async function expectReconnect(stream: EventStream, fromMs: number): Promise<void> {
  expect([stream.status, stream.isEventStream]).toEqual([200, true]);
  expect(await within(stream.ended, 'the end')).toBe('whole');
  expect([stream.events.length, stream.retries.length]).toEqual([0, 1]);
  expect(stream.retries[0]).toBeGreaterThanOrEqual(fromMs);
  expect(stream.retries[0]).toBeLessThanOrEqual(1.5 * fromMs);
}

describe.each(allPlatforms)('SseRetryLaterException, on $name,', (platform) => {
  let running: RunningApp;
  beforeAll(async () => {
    running = await platform.start(app, {
      configure: (nest) => nest.enableCors({ origin: 'https://shop.example' }),
    });
  });
  beforeEach(() => void Object.assign(rest, { refusals: Infinity, retryAfterMs: 2_000 }));
  afterAll(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it.each(['/guarded', '/room', '/handler', '/scoped'])(
    'of %s lets an EventSource come back after its time, whatever filters the application has',
    async (path) => {
      const stream = await running.open(path);
      await expectReconnect(stream, 2_000);
      expect(stream.headers['access-control-allow-origin']).toBe('https://shop.example');
    },
  );

  it.each(['/guarded', '/room', '/handler', '/scoped'])(
    'of %s is its status with Retry-After for a client that asks for one',
    async (path) => {
      const stream = await running.open(path, { headers: { accept: 'application/json' } });
      expect(stream.status).toBe(429);
      expect(['2', '3']).toContain(stream.headers['retry-after']);
      expect(await stream.json()).toEqual({ statusCode: 429, message: 'Down for maintenance' });
    },
  );

  it('refuses a run before its producer runs', async () => {
    await expectReconnect(await running.open('/run', { method: 'POST' }), 2_000);
    expect(await running.sse.runs.status('a-run')).toBeUndefined();
  });

  it('without a time takes that of the limits, and 503', async () => {
    await expectReconnect(await running.open('/without-time'), 500);
    const status = await running.open('/without-time', { headers: { 'sse-refusal': 'status' } });
    expect([status.status, status.headers['retry-after']]).toEqual([503, '1']);
  });

  it('leaves other routes and other exceptions to the filters of the application', async () => {
    const [page, failing] = [await running.open('/page'), await running.open('/failing')];
    expect([page.status, await page.json()]).toEqual([418, { filtered: 'Down for maintenance' }]);
    expect([failing.status, await failing.json()]).toEqual([418, { filtered: 'no database' }]);
  });

  it('leaves no client, no slot of a limit and no complaint behind', async () => {
    for (const path of ['/guarded', '/room', '/handler']) await (await running.open(path)).text();
    await eventually(() => running.sse.health().streams === 0, 'no stream');
    expect(running.sse.rooms()).toEqual([]);
    expect(running.logger.complaints.filter(({ text }) => text.includes('maintenance'))).toEqual([]);
  });
});

describe.each(platforms)('a client refused by SseRetryLaterException, on $name,', (platform) => {
  let running: RunningApp;
  beforeAll(async () => {
    running = await platform.start(app);
  });
  afterAll(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('that is an EventSource opens its stream by itself once the guard admits it', async () => {
    Object.assign(rest, { refusals: 1, retryAfterMs: 50 });
    const source = new EventSource(`${running.url}/guarded`);
    const states: number[] = [];
    source.addEventListener('error', () => states.push(source.readyState));
    try {
      await eventually(() => running.sse.count() === 1, 'its stream');
      expect(states.length).toBeGreaterThan(0);
      expect(states).not.toContain(EventSource.CLOSED);
    } finally {
      source.close();
    }
  });

  it('behind an open stream of its connection takes nothing of that stream, and is no client', async () => {
    rest.refusals = Infinity;
    const socket = await RawSocket.connect(running.url);
    socket.get('/open', ['Accept: text/event-stream']);
    await socket.receives(/sse:ready/);
    for (let n = 0; n < 20; n++) socket.get('/guarded', ['Accept: text/event-stream']);
    await running.sse.broadcast('lobby', 'one', 1);
    await socket.receives(/event: one/);
    expect(running.sse.health().streams).toBe(1);
    socket.destroy();
    await eventually(() => running.sse.count() === 0, 'no client');
  });
});

describe('the arguments of SseRetryLaterException', () => {
  it.each([
    [{ retryAfterMs: Number.NaN }, '"retryAfterMs"'],
    [{ retryAfterMs: -1 }, '"retryAfterMs"'],
    [{ retryAfterMs: 2 ** 31 }, '"retryAfterMs"'],
    [{ status: 200 }, '"status"'],
    [{ retryAfter: 5 }, 'did you mean "retryAfterMs"'],
  ])('%j are refused by name', async (options, text) => {
    const error = await sseRefusal(() => new SseRetryLaterException('later', unchecked(options)));
    expect([error.code, error.message.toLowerCase().includes(text.toLowerCase())]).toEqual([
      'invalid-arguments',
      true,
    ]);
  });
});
