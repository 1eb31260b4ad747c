import type { ModulesContainer } from '@nestjs/core';
import type { RemoteCommands } from './commands/remote-commands.js';
import type { SseTickets } from './tickets/sse-tickets.js';
import type { Drain } from './drain/drain.js';
import type { StreamLimits } from './limits/stream-limits.js';
import type { Presence } from './presence/presence.js';
import { SseError } from './protocol/sse-error.js';
import type { ResolvedSseOptions } from './resolve-options.js';
import type { NodeLog } from './endpoint/node-log.js';
import type { RoomHub } from './rooms/room-hub.js';
import type { SseRuns } from './runs/sse-runs.js';
import type { StreamSessions } from './sessions/stream-sessions.js';
import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SseModuleOptions } from './sse-module-options.interface.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SseModuleOptions>({ moduleName: 'Sse' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createSseOptions')
    .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
    .build();

/** The objects of one application. Every import of the module shares them. */
export interface SseRuntime {
  readonly options: ResolvedSseOptions;
  readonly presence: Presence;
  readonly commands: RemoteCommands;
  readonly limits: StreamLimits;
  readonly tickets: SseTickets;
  /** `undefined` where they are switched off. */
  readonly sessions: StreamSessions | undefined;
  readonly drain: Drain;
  readonly runs: SseRuns;
  readonly hub: RoomHub;
  readonly log: NodeLog;
  /** Prepares for clients, in a process with HTTP. May be called twice. */
  readonly serve: () => void;
}

/** Value of the module's options in `imports: [SseModule]`, without `forRoot()`. */
export const UNCONFIGURED = Symbol('UNCONFIGURED');

/** Promise of an application's runtime, for imports that share it. */
class SharedRuntime {
  isStarted = false;
  resolve!: (runtime: SseRuntime) => void;
  readonly runtime = new Promise<SseRuntime>((resolve) => (this.resolve = resolve));
}

const sharedRuntimes = new WeakMap<ModulesContainer, SharedRuntime>();

/**
 * Starts the runtime of the registered module, and returns the same one to each import without `forRoot()`. Where no module
 * is registered, such an import starts it with the defaults.
 *
 * @param modules the modules of one application: two applications in a process share nothing
 * @param moduleClass the class that is registered
 * @throws SseError `registered-twice`
 */
export async function sharedRuntime(
  options: SseModuleOptions | typeof UNCONFIGURED,
  modules: ModulesContainer,
  moduleClass: object,
  start: (options: SseModuleOptions) => Promise<SseRuntime>,
): Promise<SseRuntime> {
  let shared = sharedRuntimes.get(modules);
  if (shared === undefined) sharedRuntimes.set(modules, (shared = new SharedRuntime()));
  const registrations = countRegistrations(modules, moduleClass);
  const isConfigured = options !== UNCONFIGURED;
  // A module that is loaded lazily is registered when another runtime has started.
  if (registrations > 1 || (isConfigured && shared.isStarted)) throw registeredTwice(modules, moduleClass);
  if (shared.isStarted || (!isConfigured && registrations > 0)) return shared.runtime;
  shared.isStarted = true;
  const runtime = await start(isConfigured ? options : {});
  shared.resolve(runtime);
  return runtime;
}

function countRegistrations(modules: ModulesContainer, moduleClass: object): number {
  return [...modules.values()].filter(
    ({ metatype, providers }) =>
      metatype === moduleClass && providers.get(MODULE_OPTIONS_TOKEN)?.instance !== UNCONFIGURED,
  ).length;
}

function registeredTwice(modules: ModulesContainer, moduleClass: object): SseError {
  const importers = [...modules.values()]
    .filter(({ metatype }) =>
      ((Reflect.getMetadata('imports', metatype) ?? []) as ({ module?: unknown } | undefined)[]).some(
        (imported) => imported?.module === moduleClass,
      ),
    )
    .map(({ name }) => name);
  const where = importers.length === 0 ? '' : ` by ${importers.join(' and ')}`;
  return new SseError(
    'registered-twice',
    `SseModule is registered more than once${where}: events of one would not reach the clients of the other. Call forRoot() or forRootAsync() in the root module only. Other modules inject SseService, or import SseModule without forRoot().`,
  );
}
