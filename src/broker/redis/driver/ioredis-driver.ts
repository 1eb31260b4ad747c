import type { NodeAddress } from './cluster-topology.js';
import type {
  RedisConnection,
  RedisConnectionEvents,
  RedisDriver,
  RedisReply,
} from './redis-driver.interface.js';

/** What is used of an ioredis client (5.4 and 6). */
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
 * What makes an ioredis client one plain connection. In the defaults a command without a reply is sent again after a
 * reconnect, which publishes an event twice, and commands queue without a bound while there is no connection.
 */
const ONE_CONNECTION = {
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

/** Makes connections with the options of an ioredis client, which is itself left alone. */
export class IoredisDriver implements RedisDriver {
  readonly #client: IoredisClient;

  constructor(client: IoredisClient) {
    this.#client = client;
  }

  /** The address that the client's options name. */
  get address(): NodeAddress {
    const { host = 'localhost', port = 6_379 } = this.#client.options;
    return { host, port };
  }

  /** The same options, at another address of a cluster. */
  at({ host, port }: NodeAddress): IoredisDriver {
    return new IoredisDriver(this.#client.duplicate({ ...ONE_CONNECTION, host, port, db: 0 }));
  }

  get database(): number {
    return this.#client.options.db ?? 0;
  }

  connect(events: RedisConnectionEvents): RedisConnection {
    return new IoredisConnection(this.#client.duplicate(ONE_CONNECTION), events);
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
      // Another node of the cluster has the channels now: what is published there is not heard here. Told for each.
      this.#lastError = new Error('The slot of the channels was moved to another node.');
      client.disconnect();
    });
    client.on('end', () => {
      this.#hasEnded = true;
      if (this.#isClosed) return;
      onLost(this.#lastError ?? new Error('The connection to Redis was closed.'));
    });
    this.ready = client.connect().catch((error: unknown) => {
      // "Connection is closed." says less than the error that came before it.
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
    // Which says goodbye, and waits two seconds for a server that may be gone.
    this.#client.stream?.destroy();
  }
}
