import type { NodeAddress } from './cluster-topology.js';
import type {
  RedisConnection,
  RedisConnectionEvents,
  RedisDriver,
  RedisReply,
} from './redis-driver.interface.js';

/** What is used of a node-redis client (5 and 6). */
export interface NodeRedisClient {
  readonly options?: { readonly database?: number | undefined; readonly socket?: object | undefined };
  duplicate(overrides?: object): NodeRedisClient;
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(args: readonly string[]): Promise<unknown>;
  sSubscribe(channels: string[], listener: (message: string, channel: string) => void): Promise<void>;
  sUnsubscribe(channels: string[]): Promise<void>;
  on(event: string, listener: (...args: never[]) => void): unknown;
}

/** Makes connections with the options of a node-redis client, which is itself left alone. */
export class NodeRedisDriver implements RedisDriver {
  readonly #client: NodeRedisClient;

  constructor(client: NodeRedisClient) {
    this.#client = client;
  }

  /** The address that the client's options name. */
  get address(): NodeAddress {
    const { host = 'localhost', port = 6_379 } = (this.#client.options?.socket ?? {}) as Partial<NodeAddress>;
    return { host, port };
  }

  /** The same options, at another address of a cluster. */
  at({ host, port }: NodeAddress): NodeRedisDriver {
    const socket = { ...this.#client.options?.socket, host, port };
    return new NodeRedisDriver(this.#client.duplicate({ url: undefined, database: 0, socket }));
  }

  get database(): number {
    return this.#client.options?.database ?? 0;
  }

  connect(events: RedisConnectionEvents): RedisConnection {
    const client = this.#client.duplicate({
      // What makes it one plain connection: in the defaults commands queue without a bound while there is none.
      socket: { ...this.#client.options?.socket, reconnectStrategy: false, socketTimeout: undefined },
      disableOfflineQueue: true,
      commandOptions: {},
      keyPrefix: undefined,
      pingInterval: undefined,
      readonly: false,
      clientSideCache: undefined,
      emitInvalidate: false,
    });
    return new NodeRedisConnection(client, events);
  }
}

class NodeRedisConnection implements RedisConnection {
  readonly #client: NodeRedisClient;
  readonly #onMessage: (message: string, channel: string) => void;
  readonly ready: Promise<void>;
  #hasSocket = false;
  #over = false;

  constructor(client: NodeRedisClient, { onMessage, onLost }: RedisConnectionEvents) {
    this.#client = client;
    this.#onMessage = (message, channel) => onMessage(channel, message);
    client.on('connect', () => {
      this.#hasSocket = true;
      if (this.#over) client.destroy();
    });
    const lose = (error: Error): void => {
      if (this.#over) return;
      this.#over = true;
      onLost(error);
    };
    // Without a reconnect strategy the first error of the socket is its last.
    client.on('error', lose);
    // Another node of the cluster has the channels now: what is published there is not heard here.
    client.on('sharded-channel-moved', () =>
      lose(new Error('The slot of the channels was moved to another node.')),
    );
    this.ready = client.connect().then(() => {});
    this.ready.catch(() => {});
  }

  async send(args: readonly string[]): Promise<RedisReply> {
    return (await this.#client.sendCommand(args)) as RedisReply;
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#client.sSubscribe([...channels], this.#onMessage);
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#client.sUnsubscribe([...channels]);
  }

  close(): void {
    this.#over = true;
    // Before that there is nothing to destroy, and the socket that comes would stay open for ever.
    if (!this.#hasSocket) return;
    try {
      this.#client.destroy();
    } catch {
      // node-redis 5 throws where it has given up already.
    }
  }
}
