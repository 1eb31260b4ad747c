import { Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryModule, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { publishToChannels } from './channels/publish-to-channels.js';
import type { SseClient } from './connection/sse-client.js';
import { CallbackFailures } from './callbacks/callback-failures.js';
import { nodeMetrics } from './callbacks/node-metrics.js';
import { checkIdentify } from './check-options.js';
import { RemoteCommands } from './commands/remote-commands.js';
import { EventCheck } from './contract/event-check.js';
import { Drain } from './drain/drain.js';
import { EndpointExplorer } from './endpoint/routes/endpoint-explorer.js';
import { NodeLog } from './endpoint/node-log.js';
import { createLimits } from './endpoint/limits/create-limits.js';
import { createRuns } from './endpoint/runs/create-runs.js';
import { ServerConnections } from './endpoint/server-connections.js';
import { StreamLimits } from './limits/stream-limits.js';
import { MethodExplorer } from './method-events/method-explorer.js';
import { NodeTotals, READS_NODE_TOTALS } from './metrics/node-totals.js';
import { Presence } from './presence/presence.js';
import { resolveOptions, type ResolvedSseOptions } from './resolve-options.js';
import { NodeTracing } from './tracing/node-tracing.js';
import { RoomHub } from './rooms/room-hub.js';
import { endStreamsAndRuns } from './runs/end-streams.js';
import { SseRuns } from './runs/sse-runs.js';
import { createSessions } from './sessions/create-sessions.js';
import { StreamSessions } from './sessions/stream-sessions.js';
import { RESOLVED_SSE_OPTIONS } from './sse.constants.js';
import type { SseModuleAsyncOptions, SseModuleOptions } from './sse-module-options.interface.js';
import {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  UNCONFIGURED,
  sharedRuntime,
  type OPTIONS_TYPE,
  type SseRuntime,
} from './sse.module-definition.js';
import { SseService } from './sse.service.js';
import { SseTickets } from './tickets/sse-tickets.js';

const SSE_RUNTIME = Symbol('SSE_RUNTIME');

/**
 * Server-Sent Events for a Nest application. Register it once, in the root module. It connects to the broker before other
 * modules can inject `SseService`, and ends every stream when the application closes.
 *
 * `imports: [SseModule]`, without `forRoot()`, shares the registered module; where none is registered, it has the defaults.
 *
 * ```ts
 * @Module({ imports: [SseModule.forRoot({ heartbeatIntervalMs: 20_000 })] })
 * export class AppModule {}
 * ```
 */
@Module({
  imports: [DiscoveryModule],
  providers: [
    // `forRoot` and `forRootAsync` override it.
    { provide: MODULE_OPTIONS_TOKEN, useValue: UNCONFIGURED },
    {
      provide: SSE_RUNTIME,
      useFactory: runtimeOf,
      inject: [MODULE_OPTIONS_TOKEN, ModulesContainer, HttpAdapterHost],
    },
    {
      provide: RESOLVED_SSE_OPTIONS,
      useFactory: ({ options }: SseRuntime) => options,
      inject: [SSE_RUNTIME],
    },
    { provide: Presence, useFactory: ({ presence }: SseRuntime) => presence, inject: [SSE_RUNTIME] },
    { provide: SseTickets, useFactory: ({ tickets }: SseRuntime) => tickets, inject: [SSE_RUNTIME] },
    { provide: StreamLimits, useFactory: ({ limits }: SseRuntime) => limits, inject: [SSE_RUNTIME] },
    { provide: StreamSessions, useFactory: ({ sessions }: SseRuntime) => sessions, inject: [SSE_RUNTIME] },
    { provide: RemoteCommands, useFactory: ({ commands }: SseRuntime) => commands, inject: [SSE_RUNTIME] },
    { provide: SseRuns, useFactory: ({ runs }: SseRuntime) => runs, inject: [SSE_RUNTIME] },
    { provide: RoomHub, useFactory: ({ hub }: SseRuntime) => hub, inject: [SSE_RUNTIME] },
    { provide: Drain, useFactory: ({ drain }: SseRuntime) => drain, inject: [SSE_RUNTIME] },
    SseService,
    EndpointExplorer,
    MethodExplorer,
  ],
  exports: [SseService, SseTickets],
})
export class SseModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnModuleDestroy, BeforeApplicationShutdown
{
  #connections: ServerConnections | undefined;

  constructor(
    @Inject(SSE_RUNTIME) private readonly runtime: ImportedRuntime,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {
    super();
  }

  /**
   * Configures the module with fixed options.
   *
   * @param options see `SseModuleOptions`. With `isGlobal: false` only modules that import this one can inject the service
   * @throws SseError `invalid-options`, `registered-twice`, while the application is created
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
   * @throws SseError `invalid-options`, `registered-twice`, while the application is created
   */
  static override forRootAsync(options: SseModuleAsyncOptions): DynamicModule {
    return super.forRootAsync(options);
  }

  /** Prepares for clients, also where the HTTP adapter was set after the providers were created, as in a testing module. */
  onModuleInit(): void {
    if (!this.runtime.isOwn) return;
    // `undefined` in an application without HTTP.
    const server: unknown = this.adapterHost.httpAdapter?.getHttpServer();
    if (server instanceof Server) this.#connections = new ServerConnections(server);
    this.runtime.serve();
  }

  /** Refuses new streams before the first hook that ends open ones. */
  onModuleDestroy(): void {
    if (this.runtime.isOwn) this.runtime.drain.begin();
  }

  /**
   * Ends every stream, after the same hook of the modules that use this one: those may send a last event. A later hook would
   * be too late, since Nest closes the server next, which waits for open streams.
   */
  async beforeApplicationShutdown(): Promise<void> {
    if (!this.runtime.isOwn) return;
    const { hub, drain, runs, log } = this.runtime;
    await hub.close(() => endStreamsAndRuns(drain, runs.node));
    this.#connections?.closeIdle();
    // A turn later, when the failures of calls that the close has rejected are logged.
    await nextTurn();
    hub.callbacks.flush();
    log.flush();
  }
}

interface ImportedRuntime extends SseRuntime {
  /** True in the one module that has started the runtime, and closes it. */
  readonly isOwn: boolean;
}

async function runtimeOf(
  options: SseModuleOptions | typeof UNCONFIGURED,
  modules: ModulesContainer,
  http: HttpAdapterHost,
): Promise<ImportedRuntime> {
  let isOwn = false;
  const runtime = await sharedRuntime(options, modules, SseModule, async (moduleOptions) => {
    isOwn = true;
    const readsTotals = [...modules.values()].some(({ providers }) => providers.has(READS_NODE_TOTALS));
    const { runtime: own, start } = createRuntime(
      moduleOptions,
      http,
      readsTotals ? new NodeTotals() : undefined,
    );
    // Before the service can be injected, since other modules may publish from their first hook on.
    await start();
    return own;
  });
  return { ...runtime, isOwn };
}

/**
 * Creates the objects of one application. `start` settles when they may be used.
 *
 * @internal
 */
export function createRuntime(
  moduleOptions: SseModuleOptions,
  http: { readonly httpAdapter: unknown },
  totals?: NodeTotals,
): { readonly runtime: SseRuntime; readonly start: () => Promise<void> } {
  // `createApplicationContext` and a microservice have no adapter.
  const servesHttp = (): boolean => Boolean(http.httpAdapter);
  const resolved = resolveOptions(moduleOptions);
  const log = new NodeLog();
  const callbacks = new CallbackFailures(log.callbackFailed, (callback) =>
    resolved.metrics.map((each) => each.callbackFailed?.(callback)),
  );
  const metrics = nodeMetrics(resolved.metrics, callbacks, totals);
  const options: ResolvedSseOptions = { ...resolved, metrics };
  const presence = new Presence({ ...options, callbacks });
  const { broker } = options;
  const tickets = new SseTickets(broker, options.tickets, options, typeof moduleOptions.tickets === 'object');
  const commands = new RemoteCommands(options.broker, {
    names: options,
    membersOf: (room) => presence.members(room),
    hasSessions: () => sessions !== undefined,
    sessions: () => stored,
    hasUsers: () => options.hasUsers || tickets.isUsed || !servesHttp(),
  });
  const hub: RoomHub = new RoomHub({
    ...options,
    callbacks,
    report: log.failed,
    eventCheck: EventCheck.of(options, log.eventMismatched),
    tracing: moduleOptions.tracing && new NodeTracing(moduleOptions.tracing, callbacks),
    observer: presence,
    onEpochChange: () => sessions?.renew(true),
    onBrokerLog: log.broker,
    onControl: (text, arrival) => sessions?.receive(text) === true || commands.receive(text, hub, arrival),
  });
  const { sessions, stored } = createSessions(options, hub);
  publishToChannels(hub.observables);
  hub.observables.disconnected.subscribe(({ client, reason }) => log.disconnected(client, reason));
  const serve = (): void => {
    if (!servesHttp()) return;
    checkIdentify(moduleOptions);
    hub.subscribe();
  };
  if (servesHttp()) checkIdentify(moduleOptions);
  const start = async (): Promise<void> => {
    await hub.start({ subscribesLater: !servesHttp() });
    metrics.started?.(() => hub.gauges(runs.node.gauges()));
    presence.start(hub);
  };
  const identify = (client: SseClient): void => presence.identify(client);
  const limits = createLimits(options, { hub, log, commands, identify });
  const drain = new Drain({ windowMs: options.drainWindowMs, clients: () => hub.clients });
  const runs = createRuns(options, callbacks);
  const runtime = { options, presence, commands, limits, tickets, sessions, drain, runs, hub, log, serve };
  return { runtime, start };
}
