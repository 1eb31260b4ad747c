import { Module, type DynamicModule, type OnModuleDestroy } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { RemoteCommands } from './commands/remote-commands.js';
import { EndpointExplorer } from './endpoint/routes/endpoint-explorer.js';
import { Presence } from './presence/presence.js';
import { reportFailure } from './endpoint/report-failure.js';
import { resolveOptions, type ResolvedSseOptions } from './resolve-options.js';
import { RoomHub } from './rooms/room-hub.js';
import { RESOLVED_SSE_OPTIONS } from './sse.constants.js';
import type { SseModuleAsyncOptions } from './sse-module-options.interface.js';
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, type OPTIONS_TYPE } from './sse.module-definition.js';
import { SseService } from './sse.service.js';

/**
 * Server-Sent Events for a Nest application. Import it once, in the root module. It connects to the broker before other
 * modules can inject `SseService`, and ends every stream when the application closes.
 *
 * ```ts
 * @Module({ imports: [SseModule.forRoot({ heartbeatIntervalMs: 20_000 })] })
 * export class AppModule {}
 * ```
 */
@Module({
  imports: [DiscoveryModule],
  providers: [
    { provide: RESOLVED_SSE_OPTIONS, useFactory: resolveOptions, inject: [MODULE_OPTIONS_TOKEN] },
    { provide: Presence, useFactory: newPresence, inject: [RESOLVED_SSE_OPTIONS] },
    { provide: RemoteCommands, useFactory: newCommands, inject: [RESOLVED_SSE_OPTIONS, Presence] },
    { provide: RoomHub, useFactory: startHub, inject: [RESOLVED_SSE_OPTIONS, Presence, RemoteCommands] },
    SseService,
    EndpointExplorer,
  ],
  exports: [SseService],
})
export class SseModule extends ConfigurableModuleClass implements OnModuleDestroy {
  constructor(private readonly hub: RoomHub) {
    super();
  }

  /**
   * Configures the module with fixed options.
   *
   * @param options see `SseModuleOptions`. With `isGlobal: false` only modules that import this one can inject the service
   * @throws SseError `invalid-options`, while the application is created
   */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }

  /**
   * Configures the module with options from `useFactory` (with `inject` and `imports`), `useClass` or `useExisting`.
   *
   * ```ts
   * SseModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ broker: redisBroker({ url: config.getOrThrow('REDIS_URL') }) }),
   * })
   * ```
   *
   * @throws SseError `invalid-options`, while the application is created
   */
  static override forRootAsync(options: SseModuleAsyncOptions): DynamicModule {
    return super.forRootAsync(options);
  }

  /** Ends every stream. A later hook would be too late: Nest closes the server next, which waits for open streams. */
  async onModuleDestroy(): Promise<void> {
    await this.hub.close();
  }
}

function newPresence(options: ResolvedSseOptions): Presence {
  return new Presence({ ...options, report: reportFailure });
}

function newCommands({ broker, identify }: ResolvedSseOptions, presence: Presence): RemoteCommands {
  return new RemoteCommands(broker, (room) => presence.members(room), identify !== undefined);
}

/** Starts the hub before the service can be injected, since other modules may publish from their first hook on. */
async function startHub(
  options: ResolvedSseOptions,
  presence: Presence,
  commands: RemoteCommands,
): Promise<RoomHub> {
  const hub = new RoomHub({
    ...options,
    report: reportFailure,
    observer: presence,
    onControl: (text) => commands.execute(text, hub),
  });
  await hub.start();
  presence.start(hub);
  return hub;
}
