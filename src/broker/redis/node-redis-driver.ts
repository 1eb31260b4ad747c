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
  subscribe(channels: string[], listener: (message: string, channel: string) => void): Promise<void>;
  unsubscribe(channels: string[]): Promise<void>;
  on(event: string, listener: (...args: never[]) => void): unknown;
}

/** Makes connections with the options of a node-redis client, which is itself left alone. */
export class NodeRedisDriver implements RedisDriver {
  readonly #client: NodeRedisClient;

  constructor(client: NodeRedisClient) {
    this.#client = client;
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
    client.on('error', (error: Error) => {
      if (this.#over) return;
      // Without a reconnect strategy the first error of the socket is its last.
      this.#over = true;
      onLost(error);
    });
    this.ready = client.connect().then(() => {});
    this.ready.catch(() => {});
  }

  async send(args: readonly string[]): Promise<RedisReply> {
    return (await this.#client.sendCommand(args)) as RedisReply;
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#client.subscribe([...channels], this.#onMessage);
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#client.unsubscribe([...channels]);
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
