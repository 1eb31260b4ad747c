import { describeValue } from '../../protocol/error-text.js';
import { SseError } from '../../protocol/sse-error.js';

/**
 * A client made by the application with ioredis or node-redis. Structural, so that the types of a library that is not
 * installed are not needed.
 */
export interface RedisClientLike {
  duplicate(override?: object): unknown;
}

/** The client library that connects to Redis. */
export type RedisDriverName = 'redis' | 'ioredis';

/** Options of `redisBroker()`: one of `url` and `client`, and what differs from the defaults. */
export interface RedisBrokerOptions {
  /**
   * A client of ioredis (`new Redis(…)`) or node-redis (`createClient(…)`). It belongs to the application: it is not
   * used, connected or closed here. Its options (address, password, TLS, Sentinels) make this broker's own two
   * connections to Redis, one for commands and one for subscribing. Its key prefix does not count; `prefix` does.
   */
  readonly client?: RedisClientLike | undefined;

  /** `redis[s]://[[user]:password@]host[:port][/database]`, instead of a client. */
  readonly url?: string | undefined;

  /**
   * Whether `url`, or `client`, is one node of a Redis Cluster, from which the others are found. A cluster client of
   * either library (`new Cluster(…)`, `createCluster(…)`) needs no such word.
   *
   * @defaultValue `false`
   */
  readonly cluster?: boolean | undefined;

  /**
   * Into how many parts the rooms are divided, 1 to 64. Each has an order, a memory and two connections of its own, and
   * one node of a cluster; an event in rooms of several of them is one publish to each. The same on every node; another number
   * begins a new memory. One is enough for one Redis; for a cluster a few times the number of its masters.
   *
   * @defaultValue `1`
   */
  readonly partitions?: number | undefined;

  /** Which library connects to `url`. By default the one that is installed, `redis` before `ioredis`. */
  readonly driver?: RedisDriverName | undefined;

  /**
   * What the names of keys and channels begin with. Applications that share a Redis server need different ones.
   *
   * @defaultValue `'sse'`
   */
  readonly prefix?: string | undefined;

  /**
   * What a changed server means (a restart, a failover). A replica that takes over may not have got the last
   * acknowledged events.
   *
   * - `'gap'`: every client is told once that it may have missed something.
   * - `'trust'`: nothing is said. For servers that lose nothing: persistence on each write, and no failover.
   *
   * @defaultValue `'gap'`
   */
  readonly onFailover?: 'gap' | 'trust' | undefined;

  /**
   * Whether the application refuses to start without Redis. Otherwise it starts, its streams stay open, and events are
   * delivered from when Redis is there.
   *
   * @defaultValue `false`
   */
  readonly requireBroker?: boolean | undefined;

  /**
   * How long a connection may take to be ready, and how long the application's start waits for Redis, in milliseconds.
   *
   * @defaultValue `5000`
   */
  readonly connectTimeoutMs?: number | undefined;

  /**
   * How long a publish may take, in milliseconds: waiting for a connection included. Then it rejects with
   * `broker-unavailable`.
   *
   * @defaultValue `5000`
   */
  readonly publishTimeoutMs?: number | undefined;

  /**
   * After how much silence a connection is asked whether it still hears, in milliseconds. One that does not is found
   * after at most twice this time and `publishTimeoutMs`.
   *
   * @defaultValue `10000`
   */
  readonly probeIntervalMs?: number | undefined;

  /**
   * How much may wait in this process, in bytes: for Redis to accept it, or to be put in order after a lost
   * connection. More publishes are refused; more arriving events are let go, and read again from Redis.
   *
   * @defaultValue `16777216`
   */
  readonly maxBufferedBytes?: number | undefined;
}

/** Every option with its value. */
export type ResolvedRedisOptions = Required<Omit<RedisBrokerOptions, 'client' | 'url' | 'driver'>> &
  Pick<RedisBrokerOptions, 'client' | 'url' | 'driver'>;

const DEFAULTS = {
  cluster: false,
  partitions: 1,
  prefix: 'sse',
  onFailover: 'gap',
  requireBroker: false,
  connectTimeoutMs: 5_000,
  publishTimeoutMs: 5_000,
  probeIntervalMs: 10_000,
  maxBufferedBytes: 16_777_216,
} as const;

// The longest time that a Node timer keeps.
const MAX_TIMER_MS = 2_147_483_647;

const milliseconds = wholeNumber(1, MAX_TIMER_MS);

/** What each option must be; `undefined` where it is. */
const CHECKS: Readonly<Record<keyof RedisBrokerOptions, (value: unknown) => string | undefined>> = {
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
  probeIntervalMs: milliseconds,
  maxBufferedBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER),
};

/**
 * Checks the options and fills in what is missing.
 *
 * @throws SseError `invalid-options`, naming the option and what it may be
 */
export function resolveRedisOptions(options: RedisBrokerOptions): ResolvedRedisOptions {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, name)) {
      throw invalid(`redisBroker has no option "${name}". Known are: ${Object.keys(CHECKS).join(', ')}.`);
    }
    const wanted = value === undefined ? undefined : CHECKS[name as keyof RedisBrokerOptions](value);
    if (wanted !== undefined) {
      // Not the value of `url`: it may contain a password.
      const found = name === 'url' ? 'what was given' : describeValue(value);
      throw invalid(`The option "${name}" of redisBroker is ${wanted}, not ${found}.`);
    }
  }
  if ((options.client === undefined) === (options.url === undefined)) {
    throw invalid('redisBroker takes either a `client` of ioredis or node-redis, or a `url`.');
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...DEFAULTS, ...(given as typeof DEFAULTS) };
}

function wholeNumber(min: number, max: number) {
  return (value: unknown): string | undefined =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `a whole number from ${min} to ${max}`;
}

function trueOrFalse(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'true or false';
}

function oneOf(...values: string[]) {
  return (value: unknown): string | undefined =>
    values.includes(value as string) ? undefined : values.map((known) => `'${known}'`).join(' or ');
}

function invalid(message: string): SseError {
  return new SseError('invalid-options', message);
}
