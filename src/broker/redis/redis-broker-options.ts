import { didYouMean } from '../../protocol/did-you-mean.js';
import { describeValue } from '../../protocol/error-text.js';
import {
  MAX_TIMER_MS,
  trueOrFalse,
  wholeNumber,
  type OptionCheck,
} from '../../protocol/input/option-checks.js';
import { checkAcknowledge, type Acknowledge } from '../../protocol/input/acknowledge.js';
import { SseError } from '../../protocol/sse-error.js';
import { IDEMPOTENCY_WINDOW_MS } from '../idempotency-keys.js';

/**
 * A client that the application has made with ioredis or node-redis. The type is structural, so that the types of a
 * library that is not installed are not needed.
 */
export interface RedisClientLike {
  /** Creates another client with the same settings; each library has this method. */
  duplicate(override?: object): unknown;
}

/** The client library that connects to Redis: the npm package `redis` (node-redis) or `ioredis`. */
export type RedisDriverName = 'redis' | 'ioredis';

/** Options of `redisBroker()`. Either `url` or `client` is required; every other option has a default. */
export interface RedisBrokerOptions {
  /**
   * A client of ioredis (`new Redis(…)`, `new Cluster(…)`) or node-redis (`createClient(…)`, `createCluster(…)`), used
   * as a template: its options (address, password, TLS, Sentinels) configure the broker's own two connections, one for
   * commands and one for subscriptions. The client itself is never used, connected or closed. Its key prefix is
   * ignored; see `prefix`.
   */
  readonly client?: RedisClientLike | undefined;

  /** `redis[s]://[[user]:password@]host[:port][/database]`, as an alternative to `client`. */
  readonly url?: string | undefined;

  /**
   * `true` if `url` or `client` is the address of one node of a Redis Cluster; the other nodes are discovered from it.
   * Not needed with a cluster client of either library.
   *
   * @defaultValue `false`
   */
  readonly cluster?: boolean | undefined;

  /**
   * Number of partitions that the rooms are divided into, 1 to 64. Each partition has its own positions, history, two
   * connections and, in a cluster, one cluster node. An event for rooms of several partitions is published once to each
   * of them. All nodes need the same number; a changed number starts with an empty history. Use 1 for a single Redis,
   * and a few times the number of masters for a cluster.
   *
   * @defaultValue `1`
   */
  readonly partitions?: number | undefined;

  /**
   * `true` makes the application's start fail with `invalid-options` if a running node with the same `prefix` has
   * another number of `partitions`. Not noticed while Redis is unreachable; combine it with `requireBroker`. With
   * `false` the nodes warn, and do not receive each other's events.
   *
   * @defaultValue `false`
   */
  readonly requireSamePartitions?: boolean | undefined;

  /**
   * The library that connects to `url`.
   *
   * @defaultValue the installed one; `redis` if both are installed
   */
  readonly driver?: RedisDriverName | undefined;

  /**
   * Prefix of all keys and channels: 1 to 64 printable ASCII characters without spaces and braces. Applications that
   * share a Redis server need different prefixes.
   *
   * @defaultValue `'sse'`
   */
  readonly prefix?: string | undefined;

  /**
   * Reaction to a changed Redis server (restart or failover). A promoted replica may lack the last acknowledged events.
   *
   * - `'gap'`: starts a new epoch, so every client is notified once that it may have missed events. A cluster
   *   slot that has moved with its history continues the epoch.
   * - `'trust'`: continues the epoch without a notice. Only for servers that persist every write and have no failover.
   *
   * @defaultValue `'gap'`
   */
  readonly onFailover?: 'gap' | 'trust' | undefined;

  /**
   * `true` makes the application's start fail with `broker-unavailable` if Redis is not ready within
   * `connectTimeoutMs`. With `false` the application starts, its streams stay open, and events are delivered as soon as
   * Redis is connected.
   *
   * @defaultValue `false`
   */
  readonly requireBroker?: boolean | undefined;

  /**
   * Time until a new connection must be ready, and longest time that the application's start waits for Redis, in
   * milliseconds.
   *
   * @defaultValue `5000`
   */
  readonly connectTimeoutMs?: number | undefined;

  /**
   * Time until a publish must be answered, in milliseconds, including the wait for a connection. Afterwards it rejects
   * with `broker-unavailable`.
   *
   * @defaultValue `5000`
   */
  readonly publishTimeoutMs?: number | undefined;

  /**
   * Waits for each stored event until this many replicas have it, or for `timeoutMs` at most. `broadcast` then rejects with
   * `not-acknowledged`. Its option `acknowledge` takes precedence. The time must be less than `publishTimeoutMs`.
   *
   * @defaultValue `false`
   */
  readonly acknowledge?: Acknowledge | false | undefined;

  /**
   * Time for which this node remembers the events that it has published with an `idempotencyKey`, in milliseconds, at most
   * 120,000, and up to `maxBufferedBytes` of them. When another or a restarted Redis lacks such an event, the node
   * stores it again at its position. `false` switches it off.
   *
   * @defaultValue `60000`
   */
  readonly republishMs?: number | false | undefined;

  /**
   * Time without a received message after which the subscribing connection is probed, in milliseconds. A dead
   * connection is detected within twice this time plus `publishTimeoutMs`. With Sentinels or a cluster also the time
   * after which they are asked whether the server is still the master: one that they have replaced is left within the same
   * time.
   *
   * @defaultValue `10000`
   */
  readonly probeIntervalMs?: number | undefined;

  /**
   * Limit in bytes of each of two buffers in this process: commands that wait for Redis, and received events that wait
   * until a reconnect has caught up. Publishes over the limit reject with `broker-unavailable`; received events over
   * the limit are dropped and read again from Redis.
   *
   * @defaultValue `16777216` (16 MiB)
   */
  readonly maxBufferedBytes?: number | undefined;
}

/** All options with their defaults filled in. */
export type ResolvedRedisOptions = Required<Omit<RedisBrokerOptions, 'client' | 'url' | 'driver'>> &
  Pick<RedisBrokerOptions, 'client' | 'url' | 'driver'>;

const DEFAULTS = {
  cluster: false,
  partitions: 1,
  requireSamePartitions: false,
  prefix: 'sse',
  onFailover: 'gap',
  requireBroker: false,
  connectTimeoutMs: 5_000,
  publishTimeoutMs: 5_000,
  acknowledge: false,
  republishMs: 60_000,
  probeIntervalMs: 10_000,
  maxBufferedBytes: 16_777_216,
} as const;

const milliseconds = wholeNumber(1, MAX_TIMER_MS);

const CHECKS: Readonly<Record<keyof RedisBrokerOptions, OptionCheck>> = {
  client: (value) =>
    typeof (value as RedisClientLike | null)?.duplicate === 'function'
      ? undefined
      : 'a client of ioredis or node-redis',
  url: (value) =>
    typeof value === 'string' && /^rediss?:\/\//.test(value)
      ? undefined
      : 'a string that begins with redis:// or rediss://',
  cluster: trueOrFalse,
  partitions: wholeNumber(1, 64),
  requireSamePartitions: trueOrFalse,
  driver: oneOf('redis', 'ioredis'),
  // A brace would change the slot that the keys share in a Redis Cluster.
  prefix: (value) =>
    typeof value === 'string' && /^[\x21-\x7a|~]{1,64}$/.test(value)
      ? undefined
      : 'a string of 1 to 64 printable ASCII characters without spaces and braces',
  onFailover: oneOf('gap', 'trust'),
  requireBroker: trueOrFalse,
  connectTimeoutMs: milliseconds,
  publishTimeoutMs: milliseconds,
  acknowledge: checkAcknowledge,
  republishMs: (value) =>
    value === false || wholeNumber(1, IDEMPOTENCY_WINDOW_MS)(value) === undefined
      ? undefined
      : `false, or a whole number from 1 to ${IDEMPOTENCY_WINDOW_MS}`,
  probeIntervalMs: milliseconds,
  maxBufferedBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER),
};

/**
 * Checks the options and fills in the defaults.
 *
 * @throws SseError `invalid-options`, naming the option and its allowed values
 */
export function resolveRedisOptions(options: RedisBrokerOptions): ResolvedRedisOptions {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, name)) {
      throw invalid(`redisBroker has no option "${name}".${didYouMean(name, Object.keys(CHECKS))}`);
    }
    const allowed = value === undefined ? undefined : CHECKS[name as keyof RedisBrokerOptions](value);
    if (allowed !== undefined) {
      // The value of `url` is not shown: it may contain a password.
      const found = name === 'url' ? 'what was given' : describeValue(value);
      throw invalid(`The option "${name}" of redisBroker is ${allowed}, not ${found}.`);
    }
  }
  if ((options.client === undefined) === (options.url === undefined)) {
    throw invalid('redisBroker takes either a `client` of ioredis or node-redis, or a `url`.');
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const resolved: ResolvedRedisOptions = { ...DEFAULTS, ...given };
  const { acknowledge, publishTimeoutMs } = resolved;
  if (acknowledge !== false && acknowledge.timeoutMs >= publishTimeoutMs) {
    throw invalid(tooLongAcknowledge('redisBroker', acknowledge, publishTimeoutMs));
  }
  return resolved;
}

/** Describes a wait for replicas that would outlast the deadline of the publishes behind it on the same connection. */
export function tooLongAcknowledge(
  call: string,
  { timeoutMs }: Acknowledge,
  publishTimeoutMs: number,
): string {
  return `The option "acknowledge" of ${call} takes a timeoutMs below the publishTimeoutMs of redisBroker, ${publishTimeoutMs}, not ${timeoutMs}.`;
}

function oneOf(...values: string[]): OptionCheck {
  return (value) =>
    values.includes(value as string) ? undefined : values.map((allowed) => `'${allowed}'`).join(' or ');
}

function invalid(message: string): SseError {
  return new SseError('invalid-options', message);
}
