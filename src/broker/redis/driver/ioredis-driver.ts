import type { NodeAddress } from './cluster-topology.js';
import type {
  RedisConnection,
  RedisConnectionEvents,
  RedisDriver,
  RedisReply,
} from './redis-driver.interface.js';

/** The used part of an ioredis client (versions 5.4 and 6). */
export interface IoredisClient {
  readonly options: { readonly db?: number | undefined; readonly host?: string; readonly port?: number };
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

  constructor(client: IoredisClient) {
    this.#client = client;
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
    return new IoredisConnection(this.#client.duplicate(SINGLE_CONNECTION), events);
  }
}

class IoredisConnection implements RedisConnection {
  readonly #client: IoredisClient;
  readonly ready: Promise<void>;
  #lastError: Error | undefined;
  #hasEnded = false;
  #isClosed = false;

  constructor(client: IoredisClient, { onMessage, onLost }: RedisConnectionEvents) {
    this.#client = client;
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
