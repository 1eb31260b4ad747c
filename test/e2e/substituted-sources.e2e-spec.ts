import {
  Controller,
  Get,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { catchError, finalize, of, type Observable } from 'rxjs';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

class FallbackInterceptor implements NestInterceptor {
  intercept(): Observable<unknown> {
    return of('fallback');
  }
}

class CatchingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError(() => of('instead')));
  }
}

@Controller('outer')
@UseInterceptors(CatchingInterceptor)
class OuterController {
  @Get('handler')
  @SseRoom()
  handler(): never {
    throw new Error('the handler fails');
  }

  @Get('room')
  @SseRoom(() => {
    throw new Error('the room function fails');
  })
  room(): void {}
}

let release: () => void = () => {};
let asked = false;

@Controller()
class SourcesController {
  @Get('fallback')
  @UseInterceptors(FallbackInterceptor)
  @SseRoom()
  fallback(): void {}

  @Get('caught')
  @UseInterceptors(CatchingInterceptor)
  @SseRoom()
  caught(): never {
    throw new Error('the handler fails');
  }

  @Get('caught-later')
  @UseInterceptors(CatchingInterceptor)
  @SseRoom()
  async caughtLater(): Promise<never> {
    return Promise.reject(new Error('the handler fails'));
  }

  @Get('generator')
  @SseRoom()
  *generator(): Generator<number> {
    yield 1;
    yield 2;
  }

  @Get('response')
  @SseRoom()
  response(): Response {
    return new Response('text');
  }

  @Get('undefined-keys')
  @SseRoom()
  undefinedKeys(): object {
    return { data: 1, type: 'x', lastEventId: undefined };
  }

  @Get('slow')
  @SseRoom(async () => {
    asked = true;
    await new Promise<void>((resolve) => (release = resolve));
    return 'room';
  })
  slow(): void {}
}

describe.each(platforms)('a source on $name', (platform) => {
  let running: RunningApp;
  let finished = 0;

  beforeAll(async () => {
    running = await platform.start(sseApp({ controllers: [SourcesController, OuterController] }), {
      configure: (app) =>
        app.useGlobalInterceptors({
          intercept: (_context, next) => next.handle().pipe(finalize(() => finished++)),
        }),
    });
  });
  afterAll(() => running.close());

  it.each([
    ['/fallback', [{ event: 'message', data: 'fallback' }]],
    ['/caught', [{ event: 'message', data: 'instead' }]],
    ['/caught-later', [{ event: 'message', data: 'instead' }]],
    ['/generator', [{ data: '1' }, { data: '2' }]],
    ['/undefined-keys', [{ event: 'x', data: '1' }]],
  ])('is sent and ends: %s', async (path, events) => {
    expect(await (await running.listen(path)).eventsUntilEnd()).toMatchObject(events);
  });

  it('that is a web Response is answered with 500', async () => {
    expect((await running.open('/response')).status).toBe(500);
    expect(running.logger.complaints.map(({ text }) => text).join()).toContain('web Response');
  });

  it('that fails is answered with 500 and a line in the log where an outer interceptor replaces the failure', async () => {
    running.logger.clear();
    const paths = ['/outer/handler', '/outer/room'];
    const answers = await Promise.all(paths.map((path) => fetch(running.url + path)));
    for (const answer of answers) {
      expect(answer.status).toBe(500);
      expect(await answer.json()).toEqual({ statusCode: 500, message: 'Internal server error' });
    }
    const lines = running.logger.complaints.map(({ text }) => text);
    expect(lines).toHaveLength(2);
    for (const path of paths)
      expect(lines.join()).toContain(`${path} failed, and an interceptor of the controller`);
    expect(running.sse.count()).toBe(0);
  }, 60_000);

  it('of a client that left during a room function ends for outer interceptors', async () => {
    finished = 0;
    asked = false;
    const abort = new AbortController();
    const request = fetch(`${running.url}/slow`, { signal: abort.signal }).catch(() => {});
    await eventually(() => asked, 'the room function');
    abort.abort();
    await request;
    await new Promise((resolve) => setTimeout(resolve, 50));
    release();
    await eventually(() => finished === 1, 'the end for outer interceptors');
  });
});
