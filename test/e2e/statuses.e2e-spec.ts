import {
  BadRequestException,
  Catch,
  Controller,
  ForbiddenException,
  Get,
  GoneException,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  UnauthorizedException,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { SseRoom } from 'nestjs-simple-sse';
import { concat, delay, NEVER, of, throwError, timer, type Observable } from 'rxjs';
import { mergeMap } from 'rxjs/operators';
import { allPlatforms, type Platform } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { pause } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

class TeapotError extends Error {}
class LampError extends Error {}
class CupError extends Error {}

/** Sends through the framework's own response, as the documentation of Nest shows for each of the two. */
function filterFor(error: new () => Error, statusCode: number, by: string): new () => ExceptionFilter {
  @Catch(error)
  class Filter implements ExceptionFilter {
    catch(_exception: unknown, host: ArgumentsHost): void {
      const response = host.switchToHttp().getResponse<{
        status(code: number): { send(body: unknown): void };
      }>();
      response.status(statusCode).send({ statusCode, by });
    }
  }
  return Filter;
}

const MethodFilter = filterFor(TeapotError, 418, 'method');
const ControllerFilter = filterFor(LampError, 424, 'controller');
const GlobalFilter = filterFor(CupError, 409, 'global');

class SyncGuard implements CanActivate {
  canActivate(): boolean {
    throw new UnauthorizedException();
  }
}

class AsyncGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    await pause(1);
    return false;
  }
}

class AsyncPipe implements PipeTransform {
  async transform(value: string): Promise<string> {
    await pause(5);
    if (value === 'bad') throw new BadRequestException('asynchronously bad');
    return value;
  }
}

const late = (error: Error): Observable<never> => timer(10).pipe(mergeMap(() => throwError(() => error)));

@UseFilters(ControllerFilter)
@Controller()
class StatusController {
  @Get('sync-guard') @UseGuards(SyncGuard) @SseRoom('room') syncGuard(): void {}
  @SseRoom('room') @UseGuards(AsyncGuard) @Get('async-guard') asyncGuard(): void {}

  @Get('sync-pipe/:id') @SseRoom('room') syncPipe(@Param('id', ParseIntPipe) _id: number): void {}
  @Get('async-pipe/:id') @SseRoom('room') asyncPipe(@Param('id', AsyncPipe) _id: string): void {}

  @Get('throws') @SseRoom('room') throws(): void {
    throw new NotFoundException('no such order');
  }

  @Get('rejects') @SseRoom('room') async rejects(): Promise<void> {
    await pause(10);
    throw new ForbiddenException('not yours');
  }

  @Post('posted') @SseRoom('room') async posted(): Promise<void> {
    await pause(10);
    throw new GoneException();
  }

  @Get('fails-at-once') @SseRoom('room') failsAtOnce(): Observable<never> {
    return throwError(() => new GoneException('closed for good'));
  }

  @Get('promise-of-failure') @SseRoom('room') async promiseOfFailure(): Promise<Observable<never>> {
    await pause(10);
    return throwError(() => new GoneException('closed for good'));
  }

  @Get('generator-fails') @SseRoom('room') async *generatorFails(): AsyncGenerator<number> {
    if (Math.random() < 2) throw new GoneException('closed for good');
    yield 1;
  }

  @Get('unexpected') @SseRoom('room') unexpected(): void {
    throw new Error('the secret of the server');
  }

  @Get('method-filter') @UseFilters(MethodFilter) @SseRoom('room') methodFilter(): void {
    throw new TeapotError();
  }

  @Get('controller-filter') @SseRoom('room') async controllerFilter(): Promise<void> {
    await pause(1);
    throw new LampError();
  }

  @Get('global-filter') @SseRoom('room') globalFilter(): Observable<never> {
    return throwError(() => new CupError());
  }

  @Get('held-fails') @SseRoom('room', { openOnFirstEvent: true }) heldFails(): Observable<never> {
    return late(new GoneException('found out late'));
  }

  @Get('held-filter') @SseRoom({ openOnFirstEvent: true }) @UseFilters(MethodFilter) heldFilter() {
    return late(new TeapotError());
  }

  @Get('held-generator') @SseRoom({ openOnFirstEvent: true }) async *heldGenerator(): AsyncGenerator<number> {
    await pause(10);
    if (Math.random() < 2) throw new GoneException('found out late');
    yield 1;
  }

  @Get('held-opens') @SseRoom('room', { openOnFirstEvent: true }) heldOpens(): Observable<string> {
    return concat(of('late but fine').pipe(delay(10)), NEVER);
  }
}

function start(platform: Platform): Promise<RunningApp> {
  return platform.start(
    sseApp({ controllers: [StatusController], providers: [{ provide: APP_FILTER, useClass: GlobalFilter }] }),
  );
}

describe.each(allPlatforms)('the status before the stream opens, on $name,', (platform) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await start(platform);
  });
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  it.each([
    ['a guard that throws', '/sync-guard', { statusCode: 401 }],
    ['an asynchronous guard that refuses', '/async-guard', { statusCode: 403 }],
    ['a pipe that throws', '/sync-pipe/seven', { statusCode: 400 }],
    ['a pipe that rejects', '/async-pipe/bad', { statusCode: 400, message: 'asynchronously bad' }],
    ['a handler that throws', '/throws', { statusCode: 404, message: 'no such order' }],
    ['a handler that rejects', '/rejects', { statusCode: 403, message: 'not yours' }],
    ['an Observable that fails at once', '/fails-at-once', { statusCode: 410, message: 'closed for good' }],
    ['a Promise of a failing Observable', '/promise-of-failure', { statusCode: 410 }],
    ['a generator that throws before its first value', '/generator-fails', { statusCode: 410 }],
    ['an unexpected error', '/unexpected', { statusCode: 500 }],
    ['an exception filter of the method', '/method-filter', { statusCode: 418, by: 'method' }],
    ['an exception filter of the controller', '/controller-filter', { statusCode: 424, by: 'controller' }],
    ['a global exception filter', '/global-filter', { statusCode: 409, by: 'global' }],
    ['a source that fails late, held', '/held-fails', { statusCode: 410, message: 'found out late' }],
    ['a late failure for a filter, held', '/held-filter', { statusCode: 418, by: 'method' }],
    ['a generator that throws late, held', '/held-generator', { statusCode: 410 }],
  ])('%s is a real status, and nothing is half-open', async (_who, path, body) => {
    const answer = await running.open(path);
    expect({ status: answer.status, stream: answer.isEventStream }).toEqual({
      status: body.statusCode,
      stream: false,
    });
    expect(await answer.json()).toMatchObject(body);
    expect([running.sse.count(), [...running.sse.rooms()]]).toEqual([0, []]);
  });

  it('is true of POST as well', async () => {
    const answer = await running.open('/posted', { method: 'POST', body: '' });
    expect([answer.status, answer.isEventStream]).toEqual([410, false]);
    expect([...running.sse.rooms()]).toEqual([]);
  });

  it('shows the client no detail of an unexpected error', async () => {
    const answer = await running.open('/unexpected');
    expect(await answer.text()).not.toContain('secret');
  });

  it.each([
    ['a synchronous pipe', '/sync-pipe/7'],
    ['an asynchronous pipe', '/async-pipe/good'],
  ])('the stream opens when %s is content', async (_pipe, path) => {
    await running.listen(path);
    expect([...running.sse.rooms()]).toEqual(['room']);
  });

  it('a held stream opens with its first value, in its room', async () => {
    const stream = await running.listen('/held-opens');
    expect(await stream.nextEvent()).toMatchObject({ data: 'late but fine' });
    await running.sse.broadcast('room', 'live', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'live', data: '1' });
  });
});
