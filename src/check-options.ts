import type { PartitionedBroker } from './broker/partitioned-broker.interface.js';
import { checkContract, contractExpected } from './contract/check-contract.js';
import { checkAllowedOrigins } from './cross-site/allowed-origins-check.js';
import { LIMIT_CHECKS } from './limits/limit-checks.js';
import type { SseMetrics } from './metrics/sse-metrics.interface.js';
import { OPTIONAL_METRICS, REQUIRED_METRICS } from './callbacks/node-metrics.js';
import { didYouMean } from './protocol/did-you-mean.js';
import { describeValue } from './protocol/error-text.js';
import {
  MAX_TIMER_MS,
  orFalse,
  trueOrFalse,
  wholeNumber,
  type OptionCheck as Check,
} from './protocol/input/option-checks.js';
import { retryTime } from './protocol/input/retry-time.js';
import { SseError } from './protocol/sse-error.js';
import { TICKET_CHECKS } from './tickets/ticket-checks.js';
import { RUNS_CHECKS } from './runs/run-checks.js';
import { SESSION_CHECKS } from './sessions/session-checks.js';
import type { SseRoomPolicyOptions } from './rooms/room-policy-options.interface.js';
import type { SseModuleOptions } from './sse-module-options.interface.js';

const BROKER = objectWith('start', 'publish', 'subscribe', 'unsubscribe', 'read', 'close');
const METRICS = objectWith(...REQUIRED_METRICS);
const MAX_PARTITIONS = 64;

const CHECKS: Readonly<Record<keyof SseModuleOptions, Check>> = {
  heartbeatIntervalMs: orFalse(wholeNumber(1, MAX_TIMER_MS)),
  retryMs: orFalse(retryTime()),
  maxQueuedBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  writeTimeoutMs: orFalse(wholeNumber(1, MAX_TIMER_MS)),
  flushIntervalMs: orFalse(wholeNumber(1, MAX_TIMER_MS)),
  drainWindowMs: wholeNumber(0, MAX_TIMER_MS),
  shutdownGraceMs: wholeNumber(0, MAX_TIMER_MS),
  history: trueOrFalse,
  historyMaxEvents: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  historyMaxAgeMs: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  historyMaxBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  rooms: objectWith(),
  limits: objectWith(),
  sessions: (value) => (typeof value === 'boolean' ? undefined : orFalse(objectWith())(value)),
  runs: objectWith(),
  allowedOrigins: checkAllowedOrigins,
  tickets: orFalse(objectWith()),
  allowAsteriskInRoomNames: trueOrFalse,
  readyEvent: trueOrFalse,
  events: contractExpected,
  checkEvents: (value) =>
    value === 'warn' || typeof value === 'boolean' ? undefined : `true, 'warn' or false`,
  serialize: (value) => (typeof value === 'function' ? undefined : 'a function that returns a string'),
  identify: (value) => (typeof value === 'function' ? undefined : 'a function that returns { user, info? }'),
  authorizeRoom: authorizer,
  presenceGraceMs: orFalse(wholeNumber(0, MAX_TIMER_MS)),
  broker: (value) => (isPartitioned(value) ? partitioned(value) : BROKER(value)),
  tracing: objectWith('publishStarted', 'deliveryStarted'),
  metrics: (value) =>
    metricsOf(value)
      .map(metrics)
      .find((expected) => expected !== undefined),
};

const ROOM_CHECKS: Readonly<Record<keyof SseRoomPolicyOptions, Check>> = {
  history: trueOrFalse,
  historyMaxEvents: CHECKS.historyMaxEvents,
  historyMaxAgeMs: CHECKS.historyMaxAgeMs,
  volatile: trueOrFalse,
  presence: trueOrFalse,
  presenceEvents: trueOrFalse,
  authorizeRoom: authorizer,
};

/**
 * Checks the options of `SseModule`.
 *
 * @throws SseError `invalid-options`, whose message names the option and its allowed values
 */
export function checkOptions(options: SseModuleOptions): void {
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
  check('tickets.', options.tickets || {}, TICKET_CHECKS);
  if (typeof options.sessions === 'object') check('sessions.', options.sessions, SESSION_CHECKS);
  check('runs.', options.runs ?? {}, RUNS_CHECKS);
  checkPresence(options);
  if (options.events !== undefined) checkContract(options.events, options);
  else if (options.checkEvents !== undefined) {
    throw new SseError(
      'invalid-options',
      'The option "checkEvents" of SseModule needs the option "events", with which events are compared.',
    );
  }
}

/** True where the options give clients a user. */
export function hasUsers({ identify, tickets }: SseModuleOptions): boolean {
  return identify !== undefined || typeof tickets === 'object';
}

/**
 * Checks the options that a process with HTTP needs, in which clients are members of rooms.
 *
 * @throws SseError `invalid-options`
 */
export function checkIdentify(options: SseModuleOptions): void {
  for (const [pattern, { presence }] of Object.entries(options.rooms ?? {})) {
    if (presence !== true || hasUsers(options)) continue;
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

function authorizer(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : 'a function that returns true or false';
}

function metricsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) && value.length > 0 ? value : [value];
}

function metrics(value: unknown): string | undefined {
  return METRICS(value) ?? optionalMethods(value as SseMetrics, OPTIONAL_METRICS);
}

function optionalMethods<T extends object>(
  value: T,
  names: readonly (keyof T & string)[],
): string | undefined {
  const wrong = names.find((name) => value[name] !== undefined && typeof value[name] !== 'function');
  return wrong === undefined ? undefined : `an object whose ${wrong} is a method`;
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
