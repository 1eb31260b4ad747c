import type { NodeAddress } from './cluster-topology.js';
import type {
  RedisConnection,
  RedisConnectionEvents,
  RedisDriver,
  RedisReply,
} from './redis-driver.interface.js';

/** The used part of a node-redis client (versions 5 and 6). */
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

/** Connects with the options of a node-redis client. The client itself is not used. */
export class NodeRedisDriver implements RedisDriver {
  readonly #client: NodeRedisClient;

  constructor(client: NodeRedisClient) {
    this.#client = client;
  }

  /** Address in the client's options. */
  get address(): NodeAddress {
    const { host = 'localhost', port = 6_379 } = (this.#client.options?.socket ?? {}) as Partial<NodeAddress>;
    return { host, port };
  }

  /** Returns a driver with the same options for another node of the cluster. */
  withAddress({ host, port }: NodeAddress): NodeRedisDriver {
    const socket = { ...this.#client.options?.socket, host, port };
    return new NodeRedisDriver(this.#client.duplicate({ url: undefined, database: 0, socket }));
  }

  get database(): number {
    return this.#client.options?.database ?? 0;
  }

  connect(events: RedisConnectionEvents): RedisConnection {
    const client = this.#client.duplicate({
      // Reduces the client to one plain connection: by default it reconnects and queues commands without a limit.
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
  #isOver = false;

  constructor(client: NodeRedisClient, { onMessage, onLost }: RedisConnectionEvents) {
    this.#client = client;
    this.#onMessage = (message, channel) => onMessage(channel, message);
    client.on('connect', () => {
      this.#hasSocket = true;
      if (this.#isOver) client.destroy();
    });
    const handleLoss = (error: Error): void => {
      if (this.#isOver) return;
      this.#isOver = true;
      onLost(error);
    };
    // Without a reconnect strategy the first error of the socket is its last.
    client.on('error', handleLoss);
    // Another cluster node owns the channels now, so their messages no longer arrive here.
    client.on('sharded-channel-moved', () =>
      handleLoss(new Error('The slot of the channels was moved to another node.')),
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
    this.#isOver = true;
    // Without a socket there is nothing to destroy yet; the 'connect' listener destroys a later one.
    if (!this.#hasSocket) return;
    try {
      this.#client.destroy();
    } catch {
      // node-redis 5 throws if it has already closed itself.
    }
  }
}
