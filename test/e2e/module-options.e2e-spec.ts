import { setTimeout as pause } from 'node:timers/promises';
import { LazyModuleLoader } from '@nestjs/core';
import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Global,
  Injectable,
  Module,
  type CallHandler,
  type NestInterceptor,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import {
  SseModule,
  SseRoom,
  SseService,
  type SseModuleOptions,
  type SseOptionsFactory,
} from 'nestjs-simple-sse';
import { testApp, connectClient } from '../support/test.controller.js';
import { sseApp } from '../support/sse-app.js';
import { express, platforms } from '../support/platforms.js';
import { refusal, sseRefusal, unchecked } from '../support/refusal.js';

@Controller()
class EventsController {
  constructor(readonly sse: SseService) {}

  @Get('events')
  @SseRoom('lobby')
  events(): void {}
}

@Injectable()
class Settings {
  readonly retryMs = 4_242;
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Injectable()
class SettingsFactory implements SseOptionsFactory {
  createSseOptions(): SseModuleOptions {
    return { retryMs: 4_242 };
  }
}

@Injectable()
class AsyncSettingsFactory implements SseOptionsFactory {
  constructor(private readonly settings: Settings) {}

  createSseOptions(): Promise<SseModuleOptions> {
    return Promise.resolve({ retryMs: this.settings.retryMs });
  }
}

@Global()
@Module({ imports: [SettingsModule], providers: [AsyncSettingsFactory], exports: [AsyncSettingsFactory] })
class FactoryModule {}

type Import = NonNullable<Parameters<typeof Module>[0]['imports']>[number];

function appOf(...imports: Import[]): Type {
  @Module({ imports, controllers: [EventsController] })
  class AppModule {}
  return AppModule;
}

@Controller('feature')
class FeatureController extends EventsController {}

/** A feature module that relies on the SSE module being global. */
@Module({ controllers: [FeatureController] })
class FeatureModule {}

/** Stands for Nest's interceptor, whose constructor needs the package class-transformer. */
class PassingSerializer implements NestInterceptor {
  static {
    Object.setPrototypeOf(PassingSerializer.prototype, ClassSerializerInterceptor.prototype);
  }
  intercept(_context: unknown, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

@Module({ imports: [SseModule.forRoot()], controllers: [FeatureController] })
class RegisteringFeatureModule {}

@Module({ imports: [SseModule], controllers: [FeatureController] })
class ImportingFeatureModule {}

const badOptions: [string, unknown][] = [
  ['heartbeatIntervalMs', -1],
  ['heartbeatIntervalMs', 1.5],
  ['heartbeatIntervalMs', NaN],
  ['heartbeatIntervalMs', '20000'],
  ['heartbeatIntervalMs', true],
  ['heartbeatIntervalMs', null],
  ['retryMs', -1],
  ['retryMs', '3000'],
  ['maxQueuedBytes', -1],
  ['maxQueuedBytes', 0.5],
  ['maxQueuedBytes', '1mb'],
  ['shutdownGraceMs', NaN],
  ['shutdownGraceMs', '1s'],
  ['writeTimeoutMs', -5],
  ['serialize', 'JSON'],
  ['heartBeatIntervalMs', 20_000],
  ['unheardOf', 1],
];

describe.each(platforms)('the module on $name', (platform) => {
  it('needs no options, and is global', async () => {
    const running = await platform.start(appOf(SseModule.forRoot(), FeatureModule));
    const stream = await running.listen('/events');
    await running.get(EventsController).sse.broadcast('lobby', 'paid', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'paid' });
    await running.close();
  });

  it.each<[string, () => Import]>([
    [
      'useFactory with inject and imports',
      () =>
        SseModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: ({ retryMs }: Settings) => ({ retryMs }),
        }),
    ],
    [
      'an asynchronous useFactory',
      () => SseModule.forRootAsync({ useFactory: () => Promise.resolve({ retryMs: 4_242 }) }),
    ],
    ['useClass', () => SseModule.forRootAsync({ useClass: SettingsFactory })],
    ['useExisting', () => SseModule.forRootAsync({ useExisting: AsyncSettingsFactory })],
  ])('takes its options from %s, and is global', async (_how, sseModule) => {
    const running = await platform.start(appOf(FactoryModule, sseModule(), FeatureModule));
    const stream = await running.listen('/events');
    await running.sse.broadcast('lobby', 'paid', 1);
    await stream.nextEvent();
    await stream.receivedRetry(4_242);
    await running.close();
  });

  it.each<[string, () => Import]>([
    ['forRoot', () => SseModule.forRoot({ isGlobal: false })],
    ['forRootAsync', () => SseModule.forRootAsync({ isGlobal: false, useFactory: () => ({}) })],
  ])('%s with isGlobal: false serves only those that import it', async (_how, sseModule) => {
    const importing = await platform.start(appOf(sseModule()));
    await importing.listen('/events');
    await importing.close();

    @Module({ imports: [sseModule(), FeatureModule] })
    class NotImportingModule {}
    const error = await refusal(() => platform.start(NotImportingModule));
    expect(String(error)).toMatch(/Import SseModule.forRoot()/);
  });

  it.each<[string, () => Import]>([
    ['forRoot', () => SseModule.forRoot()],
    ['forRootAsync', () => SseModule.forRootAsync({ useFactory: () => ({}) })],
  ])('refuses a second registration beside %s, by name and with the cure', async (_how, sseModule) => {
    const error = await sseRefusal(() => platform.start(appOf(RegisteringFeatureModule, sseModule())));
    expect(error.code).toBe('registered-twice');
    expect(error.message).toContain('AppModule and RegisteringFeatureModule');
    expect(error.message).toContain('import SseModule without forRoot()');
  });

  it('accepts one registration that is imported twice', async () => {
    const registered = SseModule.forRoot({ isGlobal: false });
    @Module({ imports: [registered], controllers: [FeatureController] })
    class SameModule {}
    const running = await platform.start(appOf(SameModule, registered));
    const stream = await running.listen('/events');
    await running.get(FeatureController).sse.broadcast('lobby', 'paid', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'paid' });
    await running.close();
  });

  it.each<[string, () => Import]>([
    ['forRoot', () => SseModule.forRoot({ retryMs: 4_242 })],
    ['forRoot, not global', () => SseModule.forRoot({ retryMs: 4_242, isGlobal: false })],
    [
      'a slow forRootAsync',
      () => SseModule.forRootAsync({ useFactory: () => pause(20).then(() => ({ retryMs: 4_242 })) }),
    ],
  ])('imported without forRoot, shares the one of %s', async (_how, sseModule) => {
    for (const imports of [
      [ImportingFeatureModule, sseModule()],
      [sseModule(), ImportingFeatureModule],
    ]) {
      const running = await platform.start(appOf(...imports), {
        configure: (app) => app.useGlobalInterceptors(new PassingSerializer()),
      });
      const stream = await running.listen('/feature/events');
      await stream.receivedRetry(4_242);
      await running.get(EventsController).sse.broadcast('lobby', 'paid', 1);
      expect(await stream.nextEvent()).toMatchObject({ event: 'paid' });
      // The endpoints are checked once.
      expect(running.logger.complaints.filter(({ text }) => text.includes('ClassSerializer'))).toHaveLength(
        1,
      );
      await running.shutDown();
      expect(await stream.ended).toBe('whole');
      await running.close();
    }
  });

  it('imported only without forRoot, has the defaults', async () => {
    const running = await platform.start(appOf(ImportingFeatureModule, SseModule));
    const stream = await running.listen('/feature/events');
    await stream.receivedRetry(3_000);
    await running.get(EventsController).sse.broadcast('lobby', 'paid', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'paid' });
    await running.close();
  });

  it('refuses a registration that is loaded lazily beside another', async () => {
    const running = await platform.start(appOf(SseModule));
    const error = await sseRefusal(() =>
      running.get(LazyModuleLoader).load(() => SseModule.forRoot({ isGlobal: false })),
    );
    expect(error.code).toBe('registered-twice');
    await running.close();
  });

  it.each(badOptions)('refuses at start-up { %s: %p }, naming the option', async (name, value) => {
    const options = unchecked<SseModuleOptions>({ [name]: value });
    const ways = [
      () => platform.start(appOf(SseModule.forRoot(options))),
      () => platform.start(appOf(SseModule.forRootAsync({ useFactory: () => options }))),
    ];
    for (const start of ways) {
      const error = await sseRefusal(async () => (await start()).close());
      expect(error.message).toContain(name);
    }
  });

  it('takes undefined for the default', async () => {
    const running = await platform.start(
      appOf(SseModule.forRoot({ heartbeatIntervalMs: undefined, retryMs: undefined })),
    );
    await running.listen('/events');
    await running.close();
  });

  it('is ready before the first hook of any module that publishes', async () => {
    let published: Promise<string | undefined> | undefined;

    @Injectable()
    class EarlyPublisher implements OnModuleInit {
      constructor(private readonly sse: SseService) {}
      onModuleInit(): void {
        published = this.sse.broadcast('lobby', 'early', 1);
      }
    }

    @Module({ providers: [EarlyPublisher] })
    class DeepModule {}
    @Module({ imports: [DeepModule] })
    class OuterModule {}
    const running = await platform.start(sseApp({ imports: [OuterModule] }));
    expect(await published).toMatch(/^1\./);
    await running.close();
  });

  it('keeps two applications of one process apart', async () => {
    const [first, second] = [await platform.start(testApp()), await platform.start(testApp())];
    const pairs = [await connectClient(first, '/rooms/lobby'), await connectClient(second, '/rooms/lobby')];
    await first.sse.broadcast('lobby', 'first', 1);
    await second.sse.broadcast('*', 'second', 1);
    expect(await pairs[0]?.stream.nextEvent()).toMatchObject({ event: 'first' });
    expect(await pairs[1]?.stream.nextEvent()).toMatchObject({ event: 'second' });
    await first.close();
    expect(second.sse.count('lobby')).toBe(1);
    await second.close();
  });
});

describe('serialize', () => {
  it('replaces JSON, is not called for strings, and its error is the cause of a refusal', async () => {
    const asked: unknown[] = [];
    const fault = new Error('no such format');
    const serialize = (data: unknown): string => {
      asked.push(data);
      if (data === 'never' || data === 13) throw fault;
      return `<${String(data)}>\nsecond line`;
    };
    const running = await express.start(testApp({ options: { serialize } }));
    const { stream, client } = await connectClient(running, '/rooms/lobby');
    client.send('never');
    await running.sse.broadcast('lobby', 'named', 7);
    const events = await stream.nextEvents(2);
    expect(events.map(({ data }) => data)).toEqual(['never', '<7>\nsecond line']);
    expect(asked).toEqual([7]);
    const error = await sseRefusal(() => running.sse.broadcast('lobby', 'named', 13));
    expect(error.cause).toBe(fault);
    await running.close();
  });
});
