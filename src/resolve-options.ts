import { asPartitioned } from './broker/partitioned-broker.interface.js';
import { MemoryBroker } from './broker/memory/memory-broker.js';
import { checkOptions, hasUsers } from './check-options.js';
import type { EventContract } from './contract/event-contract.js';
import type { AllowedOrigins } from './cross-site/cross-site-options.interface.js';
import type { ResolvedLimits } from './limits/stream-limits.js';
import type { SseMetrics } from './metrics/sse-metrics.interface.js';
import type { Identify } from './presence/presence.js';
import type { RetryTime } from './protocol/input/retry-time.js';
import { RoomPolicy, type RoomRule } from './rooms/room-policy.js';
import type { HubOptions } from './rooms/room-hub.interface.js';
import { resolveRuns, type ResolvedRuns } from './runs/resolve-runs.js';
import { resolveSessions, type ResolvedSessions } from './sessions/session-checks.js';
import type { SseModuleOptions } from './sse-module-options.interface.js';
import type { ResolvedTicketOptions } from './tickets/sse-tickets.js';

/** All options with their values. No other file has defaults. */
export interface ResolvedSseOptions extends Omit<
  HubOptions,
  | 'callbacks'
  | 'report'
  | 'observer'
  | 'onControl'
  | 'onBrokerLog'
  | 'onEpochChange'
  | 'tracing'
  | 'eventCheck'
> {
  readonly events: EventContract | undefined;
  readonly checkEvents: 'warn' | boolean;
  readonly retryMs: RetryTime | false;
  readonly drainWindowMs: number;
  readonly identify: Identify | undefined;
  readonly presenceGraceMs: number | false;
  readonly limits: ResolvedLimits;
  readonly sessions: ResolvedSessions | false;
  readonly runs: ResolvedRuns;
  readonly allowedOrigins: AllowedOrigins | false | undefined;
  readonly tickets: ResolvedTicketOptions | false;
  /** True where clients of this process may have a user: the option `identify` or `tickets` is set. */
  readonly hasUsers: boolean;
}

/** The options of an application, before its metrics are combined. */
interface OwnOptions extends Omit<ResolvedSseOptions, 'metrics'> {
  readonly metrics: readonly SseMetrics[];
}

/** Defaults that modules may share. `resolveOptions` creates the others for each module. */
export const DEFAULT_OPTIONS = {
  heartbeatIntervalMs: 20_000,
  retryMs: 3_000,
  maxQueuedBytes: 1_048_576,
  writeTimeoutMs: 30_000,
  flushIntervalMs: false,
  drainWindowMs: 0,
  shutdownGraceMs: 1_000,
  history: true,
  historyMaxEvents: 256,
  historyMaxAgeMs: 600_000,
  historyMaxBytes: 33_554_432,
  allowAsteriskInRoomNames: false,
  readyEvent: true,
  presenceGraceMs: 5_000,
} as const;

/** Defaults of the option `limits`. */
export const DEFAULT_LIMITS = {
  maxStreams: 50_000,
  maxStreamsPerUser: 100,
  maxStreamsPerUserOnAllNodes: false,
  atUserLimit: 'refuse',
  maxStreamsPerAddress: false,
  maxStreamsPerKey: 100,
  maxRoomsPerClient: 1_000,
  maxEventBytes: 16_777_216,
  maxAgeMs: false,
  retryAfterMs: 10_000,
} as const;

/** Defaults of the option `tickets`. */
export const DEFAULT_TICKETS = {
  parameter: 'ticket',
  continueForMs: 3_600_000,
  sameSite: 'strict',
} as const;

/** Defaults of the option `sessions`. */
export const DEFAULT_SESSIONS = { ttlMs: 120_000, maxRooms: 100 } as const;

/** Defaults of the option `runs`. */
export const DEFAULT_RUNS = {
  keepMs: 600_000,
  maxDurationMs: 3_600_000,
  stopWhenUnwatchedMs: false,
  maxEvents: 10_000,
  maxBytes: 8_388_608,
  leaseMs: 15_000,
  drainMs: 0,
  maxRuns: 10_000,
} as const;

/**
 * Checks the options and adds the defaults.
 *
 * @throws SseError `invalid-options`, whose message names the option and its allowed values
 */
export function resolveOptions(options: SseModuleOptions = {}): OwnOptions {
  checkOptions(options);
  const { history, historyMaxEvents, historyMaxAgeMs, historyMaxBytes, rooms, ...rest } = {
    ...DEFAULT_OPTIONS,
    ...definedOnly(options),
  };
  const limits = history && { maxEvents: historyMaxEvents, maxAgeMs: historyMaxAgeMs };
  const rules = Object.entries(rooms ?? {}).map(([pattern, room]): RoomRule => {
    const hasNoHistory = limits === false || room.history === false || room.volatile === true;
    return {
      pattern,
      volatile: room.volatile ?? false,
      presence: room.presence ?? false,
      presenceEvents: room.presenceEvents ?? false,
      authorizeRoom: room.authorizeRoom,
      limits: !hasNoHistory && {
        maxEvents: room.historyMaxEvents ?? limits.maxEvents,
        maxAgeMs: room.historyMaxAgeMs ?? limits.maxAgeMs,
      },
    };
  });
  const broker = asPartitioned(rest.broker ?? new MemoryBroker());
  return {
    ...rest,
    sessions: resolveSessions(rest.sessions, DEFAULT_SESSIONS, broker),
    runs: resolveRuns(rest.runs, DEFAULT_RUNS, broker),
    policy: new RoomPolicy(limits, historyMaxBytes, rules, rest.authorizeRoom),
    serialize: rest.serialize ?? JSON.stringify,
    identify: rest.identify,
    events: rest.events,
    checkEvents: rest.checkEvents ?? process.env['NODE_ENV'] !== 'production',
    allowedOrigins: rest.allowedOrigins,
    limits: { keyOf: undefined, ...DEFAULT_LIMITS, ...definedOnly(options.limits ?? {}) } as ResolvedLimits,
    tickets: options.tickets !== false && {
      authorize: undefined,
      cookiePath: undefined,
      ...DEFAULT_TICKETS,
      ...(definedOnly(options.tickets ?? {}) as Partial<ResolvedTicketOptions>),
    },
    hasUsers: hasUsers(options),
    broker,
    metrics: rest.metrics === undefined ? [] : [rest.metrics].flat(),
  };
}

function definedOnly<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
