import type { NodeAddress } from './cluster-topology.js';
import { Sentinels } from '../fencing/sentinels.js';
import type {
  ConfirmLimits,
  RedisConnection,
  RedisConnectionEvents,
  RedisDriver,
  RedisReply,
} from './redis-driver.interface.js';

interface IoredisOptions {
  readonly db?: number | undefined;
  readonly host?: string;
  readonly port?: number;
  readonly sentinels?: readonly Partial<NodeAddress>[] | null;
  /** The name under which Sentinels monitor the master. */
  readonly name?: string | null;
  readonly role?: 'master' | 'slave';
  readonly sentinelUsername?: string | null;
  readonly sentinelPassword?: string | null;
  readonly sentinelTLS?: object;
}

/** The used part of an ioredis client (versions 5.4 and 6). */
export interface IoredisClient {
  readonly options: IoredisOptions;
  readonly stream?: { destroy(): unknown };
  duplicate(override?: object): IoredisClient;
  connect(): Promise<void>;
  disconnect(): void;
  call(command: string, ...args: string[]): Promise<unknown>;
  ssubscribe(...channels: string[]): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
  on(event: string, listener: (...args: never[]) => void): unknown;
  once(event: string, listener: (...args: never[]) => void): unknown;
}

/**
 * Options that reduce an ioredis client to one plain connection. By default ioredis resends a command without a reply
 * after a reconnect, which would publish an event twice, and queues commands without a limit while it is not
 * connected.
 */
const SINGLE_CONNECTION = {
  lazyConnect: true,
  retryStrategy: null,
  sentinelRetryStrategy: null,
  reconnectOnError: null,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  enableAutoPipelining: false,
  enableReadyCheck: true,
  maxRetriesPerRequest: null,
  commandTimeout: undefined,
  socketTimeout: undefined,
  stringNumbers: false,
  readOnly: false,
  monitor: false,
  keyPrefix: '',
};

/** Connects with the options of an ioredis client. The client itself is not used. */
export class IoredisDriver implements RedisDriver {
  readonly #client: IoredisClient;
  readonly #sentinels: Sentinels | undefined;

  /** @param confirms whether its connections can be compared with the master that Sentinels name */
  constructor(client: IoredisClient, confirms = true) {
    this.#client = client;
    this.#sentinels = confirms ? sentinelsOf(client) : undefined;
  }

  /** Address in the client's options. */
  get address(): NodeAddress {
    const { host = 'localhost', port = 6_379 } = this.#client.options;
    return { host, port };
  }

  /** Returns a driver with the same options for another node of the cluster. */
  withAddress({ host, port }: NodeAddress): IoredisDriver {
    return new IoredisDriver(this.#client.duplicate({ ...SINGLE_CONNECTION, host, port, db: 0 }));
  }

  get database(): number {
    return this.#client.options.db ?? 0;
  }

  connect(events: RedisConnectionEvents): RedisConnection {
    const sentinels = this.#sentinels;
    const order = sentinels && { sentinels: sentinels.addresses };
    return new IoredisConnection(
      this.#client.duplicate({ ...SINGLE_CONNECTION, ...order }),
      events,
      sentinels,
    );
  }
}

class IoredisConnection implements RedisConnection {
  readonly #client: IoredisClient;
  readonly ready: Promise<void>;
  readonly confirmMaster: ((limits: ConfirmLimits) => Promise<void>) | undefined;
  #lastError: Error | undefined;
  #hasEnded = false;
  #isClosed = false;

  constructor(
    client: IoredisClient,
    { onMessage, onLost }: RedisConnectionEvents,
    sentinels: Sentinels | undefined,
  ) {
    this.#client = client;
    this.confirmMaster = sentinels && ((limits) => sentinels.confirm(this, limits));
    client.on('smessage', (channel: string, message: string) => onMessage(channel, message));
    client.on('error', (error: Error) => (this.#lastError = error));
    client.once('moved', () => {
      // Another cluster node owns the channels now, so their messages no longer arrive here. Emitted once per channel.
      this.#lastError = new Error('The slot of the channels was moved to another node.');
      client.disconnect();
    });
    client.on('end', () => {
      this.#hasEnded = true;
      if (this.#isClosed) return;
      onLost(this.#lastError ?? new Error('The connection to Redis was closed.'));
    });
    this.ready = client.connect().catch((error: unknown) => {
      // The earlier error is more specific than "Connection is closed.".
      throw this.#lastError ?? error;
    });
    this.ready.catch(() => {});
  }

  async send([command = '', ...args]: readonly string[]): Promise<RedisReply> {
    return (await this.#client.call(command, ...args)) as RedisReply;
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.#client.ssubscribe(...channels);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.#client.sunsubscribe(...channels);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#hasEnded) return;
    this.#client.disconnect();
    // `disconnect` would wait up to two seconds for the server to close its side.
    this.#client.stream?.destroy();
  }
}

/** Returns the Sentinels of the options, each with a driver for itself and one for the master that it names. */
function sentinelsOf(client: IoredisClient): Sentinels | undefined {
  const { sentinels, name, role, sentinelUsername, sentinelPassword, sentinelTLS } = client.options;
  if (!Array.isArray(sentinels) || sentinels.length === 0 || role === 'slave') return undefined;
  const own = {
    sentinels: null,
    db: 0,
    username: sentinelUsername ?? null,
    password: sentinelPassword ?? null,
    tls: sentinelTLS,
  };
  const drivers = (sentinels as readonly Partial<NodeAddress>[]).map((address) => {
    const { host = 'localhost', port = 26_379 } = address;
    return {
      address,
      sentinel: new IoredisDriver(client.duplicate({ ...SINGLE_CONNECTION, ...own, host, port }), false),
      master: new IoredisDriver(
        client.duplicate({ ...SINGLE_CONNECTION, sentinels: [address], updateSentinels: false }),
        false,
      ),
    };
  });
  return new Sentinels(name ?? 'mymaster', drivers);
}
