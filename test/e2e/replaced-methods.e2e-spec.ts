import { Controller, Get, Module, Param, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { SseInterceptor, SseModule, SseRoom } from 'nestjs-simple-sse';
import { of, retry, type Observable } from 'rxjs';
import { Test } from '@nestjs/testing';
import { CollectingLogger } from '../support/collecting-logger.js';
import { platforms } from '../support/platforms.js';
import { sseRefusal } from '../support/refusal.js';
import { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { UseInterceptors, type INestApplication, type NestInterceptor } from '@nestjs/common';

/** Like logging and tracing decorators: wraps a method, and loses its metadata. */
function Traced(): MethodDecorator {
  return (_target, _key, descriptor: PropertyDescriptor) => {
    const method = descriptor.value as (...args: unknown[]) => unknown;
    descriptor.value = function (this: unknown, ...args: unknown[]) {
      return method.apply(this, args);
    };
  };
}

@Controller()
class TracedController {
  @Get('traced')
  @Traced()
  @SseRoom('room')
  events(): void {}
}

@Controller()
class TracedBelowController {
  @Get('traced')
  @SseRoom('room')
  @Traced()
  events(): Observable<number> {
    return of(1);
  }
}

@Controller()
class ByHandController {
  events(): void {}
}
const descriptorOf = (): PropertyDescriptor =>
  Object.getOwnPropertyDescriptor(ByHandController.prototype, 'events') as PropertyDescriptor;
Get('by-hand')(ByHandController.prototype, 'events', descriptorOf());
SseRoom('room')(ByHandController.prototype, 'events', descriptorOf());

@Controller('base')
class BaseController {
  @Get('first')
  @SseRoom('room')
  first(@Param() _params: object): unknown {
    return undefined;
  }

  @Get('second')
  @SseRoom('room')
  second(@Param() _params: object): unknown {
    return undefined;
  }

  @Get('third')
  @SseRoom('room')
  third(): unknown {
    return undefined;
  }
}

@Controller('derived')
class DerivedController extends BaseController {
  @Get('first')
  override first(): unknown {
    return { plain: true };
  }

  @Get('second')
  @SseRoom('other')
  override second(...args: unknown[]): unknown {
    return of(args.length);
  }
}

let failures = 0;

class RetryInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(retry(2));
  }
}

@Controller()
class RetriedController {
  @Get('retried')
  @UseInterceptors(RetryInterceptor)
  @SseRoom('room')
  async events(): Promise<Observable<unknown>> {
    if (failures++ === 0) throw new Error('once');
    return of('second try');
  }
}

describe.each(platforms)('a method that was replaced on $name', (platform) => {
  let running: RunningApp | undefined;

  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  it.each([
    ['TracedController', TracedController],
    ['ByHandController', ByHandController],
  ])('without its metadata is refused by name at start-up: %s', async (name, controller) => {
    const error = await sseRefusal(async () => {
      running = await platform.start(sseApp({ controllers: [controller] }));
    });
    expect(error).toMatchObject({
      code: 'broken-route',
      message: expect.stringContaining(`${name}.events()`) as unknown,
    });
  });

  it('below @SseRoom() is a stream', async () => {
    running = await platform.start(sseApp({ controllers: [TracedBelowController] }));
    expect(await (await running.listen('/traced')).nextEvent()).toMatchObject({ data: '1' });
  });

  it('by an override without @SseRoom() is a plain route, and the base class keeps its streams', async () => {
    running = await platform.start(sseApp({ controllers: [DerivedController, BaseController] }));
    const plain = await running.open('/derived/first');
    expect([plain.status, await plain.json()]).toEqual([200, { plain: true }]);
    const stream = await running.listen('/base/first');
    const inherited = await running.listen('/derived/third');
    await running.sse.broadcast('room', 'live', 1);
    for (const open of [stream, inherited]) expect(await open.nextEvent()).toMatchObject({ event: 'live' });
  });

  it('by an override with @SseRoom() gets the arguments of its declaration', async () => {
    running = await platform.start(sseApp({ controllers: [DerivedController] }));
    expect(await (await running.listen('/derived/second')).nextEvent()).toMatchObject({ data: '1' });
  });

  it('answers 500 with the cause in the log when SseInterceptor is overridden', async () => {
    @Module({ imports: [SseModule.forRoot()], controllers: [TracedBelowController] })
    class AppModule {}
    const logger = new CollectingLogger();
    const testing = await Test.createTestingModule({ imports: [AppModule] })
      .overrideInterceptor(SseInterceptor)
      .useValue({ intercept: (_context: ExecutionContext, next: CallHandler) => next.handle() })
      .compile();
    const app: INestApplication = testing.createNestApplication(platform.adapter(), { logger });
    await app.listen(0, '127.0.0.1');
    running = new RunningApp(app, logger, 'http', false);
    expect((await running.open('/traced')).status).toBe(500);
    expect(logger.complaints.map(({ text }) => text).join()).toContain('TracedBelowController.events()');
  });

  it('is run again by an interceptor that retries', async () => {
    failures = 0;
    running = await platform.start(sseApp({ controllers: [RetriedController] }));
    expect(await (await running.listen('/retried')).nextEvent()).toMatchObject({ data: 'second try' });
  });
});
