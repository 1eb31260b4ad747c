import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy between a client and Redis that can drop traffic without closing a connection. */
export class BlackHoleProxy {
  readonly port: number;
  readonly #server;
  readonly #pairs = new Set<{ client: Socket; redis: Socket }>();
  /** New connections that wait; `undefined` while new connections pass. */
  #waiting: Set<Socket> | undefined;
  target = 0;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** @param target the port to which new connections go; changed by a failover */
  static async start(target: number): Promise<BlackHoleProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new BlackHoleProxy(server);
    proxy.target = target;
    server.on('connection', (client) => proxy.#accept(client));
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Accepts new connections from now on, and forwards nothing on them until `releaseNew`. */
  holdNew(): void {
    this.#waiting ??= new Set();
  }

  releaseNew(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const client of waiting) if (!client.destroyed) this.#accept(client);
  }

  /** Forwards commands on the present connections and drops every reply. */
  mute(): void {
    for (const { client, redis } of this.#pairs) redis.unpipe(client).resume();
  }

  /** Keeps the present connections open and drops all traffic on them; new connections work. Returns their number. */
  swallow(): number {
    for (const { client, redis } of this.#pairs) {
      client.unpipe(redis).resume();
      redis.unpipe(client).resume();
    }
    const swallowed = this.#pairs.size;
    this.#pairs.clear();
    return swallowed;
  }

  /** Closes the present connections; new ones go to `target`. */
  cut(): void {
    for (const { client, redis } of this.#pairs) {
      client.destroy();
      redis.destroy();
    }
  }

  close(): void {
    this.#server.close();
    for (const client of this.#waiting ?? []) client.destroy();
    this.cut();
  }

  #accept(client: Socket): void {
    if (this.#waiting === undefined) return this.#forward(client, connect(this.target, '127.0.0.1'));
    client.on('error', () => {});
    this.#waiting.add(client);
  }

  #forward(client: Socket, redis: Socket): void {
    const pair = { client, redis };
    this.#pairs.add(pair);
    client.pipe(redis).on('error', () => {});
    redis.pipe(client).on('error', () => {});
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      redis.destroy();
    };
    client.once('close', end);
    redis.once('close', end);
  }
}
