import { asPartitioned, type PartitionedBroker } from './broker/broker.interface.js';
import { MemoryBroker } from './broker/memory-broker.js';
import { LIMIT_CHECKS } from './limits/limit-checks.js';
import type { ResolvedLimits } from './limits/stream-limits.js';
import type { SseMetrics } from './metrics/sse-metrics.interface.js';
import { NoopMetrics } from './metrics/noop-metrics.js';
import { didYouMean } from './protocol/did-you-mean.js';
import { describeValue } from './protocol/error-text.js';
import {
  MAX_TIMER_MS,
  orFalse,
  trueOrFalse,
  wholeNumber,
  type OptionCheck as Check,
} from './protocol/input/option-checks.js';
import { SseError } from './protocol/sse-error.js';
import type { Identify } from './presence/presence.js';
import { RoomPolicy, type RoomRule } from './rooms/room-policy.js';
import type { HubOptions } from './rooms/room-hub.interface.js';
import type { SseModuleOptions, SseRoomPolicyOptions } from './sse-module-options.interface.js';

/** All options with their values. No other file has defaults. */
export interface ResolvedSseOptions extends Omit<
  HubOptions,
  'callbacks' | 'report' | 'observer' | 'onControl'
> {
  readonly retryMs: number | false;
  readonly identify: Identify | undefined;
  readonly presenceGraceMs: number | false;
  readonly limits: ResolvedLimits;
}

/** Defaults that modules may share. `resolveOptions` creates the others for each module. */
export const DEFAULT_OPTIONS = {
  heartbeatIntervalMs: 20_000,
  retryMs: 3_000,
  maxQueuedBytes: 1_048_576,
  writeTimeoutMs: 30_000,
  flushIntervalMs: false,
  shutdownGraceMs: 1_000,
  history: true,
  historyMaxEvents: 256,
  historyMaxAgeMs: 600_000,
  historyMaxBytes: 33_554_432,
  readyEvent: true,
  presenceGraceMs: 5_000,
} as const;

/** Defaults of the option `limits`. */
export const DEFAULT_LIMITS = {
  maxStreams: 50_000,
  maxStreamsPerUser: 100,
  atUserLimit: 'refuse',
  maxStreamsPerAddress: false,
  maxStreamsPerKey: 100,
  maxEventBytes: 16_777_216,
  maxAgeMs: false,
  retryAfterMs: 10_000,
} as const;

const BROKER = objectWith('start', 'publish', 'subscribe', 'unsubscribe', 'read', 'close');
const METRICS = objectWith('clientOpened', 'clientClosed', 'eventDelivered', 'volatileDropped');
const MAX_PARTITIONS = 64;

const CHECKS: Readonly<Record<keyof SseModuleOptions, Check>> = {
  heartbeatIntervalMs: orFalse(wholeNumber(1, MAX_TIMER_MS)),
  retryMs: orFalse(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
  maxQueuedBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  writeTimeoutMs: orFalse(wholeNumber(1, MAX_TIMER_MS)),
  flushIntervalMs: orFalse(wholeNumber(1, MAX_TIMER_MS)),
  shutdownGraceMs: wholeNumber(0, MAX_TIMER_MS),
  history: trueOrFalse,
  historyMaxEvents: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  historyMaxAgeMs: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  historyMaxBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  rooms: objectWith(),
  limits: objectWith(),
  readyEvent: trueOrFalse,
  serialize: (value) => (typeof value === 'function' ? undefined : 'a function that returns a string'),
  identify: (value) => (typeof value === 'function' ? undefined : 'a function that returns { user, info? }'),
  presenceGraceMs: orFalse(wholeNumber(0, MAX_TIMER_MS)),
  broker: (value) => (isPartitioned(value) ? partitioned(value) : BROKER(value)),
  metrics: (value) =>
    METRICS(value) ??
    optionalMethod(value as Partial<SseMetrics>, 'clientRefused') ??
    optionalMethod(value as Partial<SseMetrics>, 'limitReached') ??
    optionalMethod(value as Partial<SseMetrics>, 'callbackFailed'),
};

const ROOM_CHECKS: Readonly<Record<keyof SseRoomPolicyOptions, Check>> = {
  history: trueOrFalse,
  historyMaxEvents: CHECKS.historyMaxEvents,
  historyMaxAgeMs: CHECKS.historyMaxAgeMs,
  volatile: trueOrFalse,
  presence: trueOrFalse,
  presenceEvents: trueOrFalse,
};

/**
 * Checks the options and adds the defaults.
 *
 * @throws SseError `invalid-options`, whose message names the option and its allowed values
 */
export function resolveOptions(options: SseModuleOptions = {}): ResolvedSseOptions {
  check('', options, CHECKS);
  for (const [pattern, room] of Object.entries(options.rooms ?? {})) {
    const path = `rooms[${JSON.stringify(pattern)}].`;
    check(path, room, ROOM_CHECKS);
    if (room.history === true && (options.history === false || room.volatile === true)) {
      throw new SseError(
        'invalid-options',
        `The option "${path}history" of SseModule cannot be true with history: false or volatile: true. Leave one out.`,
      );
    }
  }
  check('limits.', options.limits ?? {}, LIMIT_CHECKS);
  checkPresence(options);
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
      limits: !hasNoHistory && {
        maxEvents: room.historyMaxEvents ?? limits.maxEvents,
        maxAgeMs: room.historyMaxAgeMs ?? limits.maxAgeMs,
      },
    };
  });
  return {
    ...rest,
    policy: new RoomPolicy(limits, historyMaxBytes, rules),
    serialize: rest.serialize ?? JSON.stringify,
    identify: rest.identify,
    limits: { keyOf: undefined, ...DEFAULT_LIMITS, ...definedOnly(options.limits ?? {}) } as ResolvedLimits,
    broker: asPartitioned(rest.broker ?? new MemoryBroker()),
    metrics: rest.metrics ?? new NoopMetrics(),
  };
}

/**
 * Checks the options that a process with HTTP needs, in which clients are members of rooms.
 *
 * @throws SseError `invalid-options`
 */
export function checkIdentify({ rooms = {}, identify }: SseModuleOptions): void {
  for (const [pattern, { presence }] of Object.entries(rooms)) {
    if (presence !== true || identify !== undefined) continue;
    throw new SseError(
      'invalid-options',
      `The option "rooms[${JSON.stringify(pattern)}].presence" of SseModule needs the option "identify", which returns the user of a client.`,
    );
  }
}

function checkPresence({ rooms = {} }: SseModuleOptions): void {
  for (const [pattern, { presence, presenceEvents }] of Object.entries(rooms)) {
    const path = `rooms[${JSON.stringify(pattern)}].`;
    if (presenceEvents === true && presence !== true) {
      throw new SseError(
        'invalid-options',
        `The option "${path}presenceEvents" of SseModule needs presence: true beside it.`,
      );
    }
  }
}

function check(path: string, options: object, checks: Readonly<Record<string, Check>>): void {
  if (!isPlainObject(options)) {
    const subject = path === '' ? 'The options' : `The option "${path.slice(0, -1)}"`;
    throw new SseError(
      'invalid-options',
      `${subject} of SseModule must be an object, not ${describeValue(options)}.`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    const checkOf = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (checkOf === undefined) {
      throw new SseError(
        'invalid-options',
        `SseModule has no option "${path}${name}".${didYouMean(name, Object.keys(checks))}`,
      );
    }
    const expected = value === undefined ? undefined : checkOf(value);
    if (expected !== undefined) {
      throw new SseError(
        'invalid-options',
        `The option "${path}${name}" of SseModule is ${expected}, not ${describeValue(value)}.`,
      );
    }
  }
}

function objectWith(...methods: string[]): Check {
  return (value) => {
    const whole = isPlainObject(value);
    const missing =
      whole && methods.filter((name) => typeof (value as Record<string, unknown>)[name] !== 'function');
    if (whole && (missing as string[]).length === 0) return undefined;
    return methods.length === 0 ? 'an object' : `an object with the methods ${methods.join(', ')}`;
  };
}

function optionalMethod<T extends object>(value: T, name: keyof T & string): string | undefined {
  const method = value[name];
  return method === undefined || typeof method === 'function'
    ? undefined
    : `an object whose ${name} is a method`;
}

function definedOnly<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function isPartitioned(value: unknown): value is Partial<PartitionedBroker> {
  return typeof value === 'object' && value !== null && 'partitions' in value;
}

function partitioned({ partitions, partitionOf }: Partial<PartitionedBroker>): string | undefined {
  const isWhole =
    Array.isArray(partitions) &&
    partitions.length >= 2 &&
    partitions.length <= MAX_PARTITIONS &&
    partitions.every((broker) => BROKER(broker) === undefined) &&
    typeof partitionOf === 'function';
  return isWhole
    ? undefined
    : `an object with 2 to ${MAX_PARTITIONS} brokers as partitions, and the method partitionOf`;
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value);
}
