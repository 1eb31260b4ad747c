import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { portOf } from '../support/port-of.js';

/** A TCP proxy that can stop forwarding without closing anything, as a network that is gone does. */
export class Proxy {
  readonly #listener: Server;
  readonly #pairs: { client: Socket; server: Socket }[] = [];

  private constructor(port: number) {
    this.#listener = createServer((client) => {
      const server = connect({ host: '127.0.0.1', port });
      for (const socket of [client, server]) socket.on('error', () => {});
      this.#pairs.push({ client, server });
      client.on('data', (bytes) => server.write(bytes));
      server.on('data', (bytes) => client.write(bytes));
      client.once('close', () => server.destroy());
      server.once('close', () => client.destroy());
    });
  }

  static async before(port: number): Promise<Proxy> {
    const proxy = new Proxy(port);
    await once(proxy.#listener.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get port(): number {
    return portOf(this.#listener);
  }

  /** From here on nothing gets through in either direction, and no end is told. */
  swallow(): void {
    for (const { client, server } of this.#pairs) {
      client.removeAllListeners('data').pause();
      server.removeAllListeners('data').pause();
      client.removeAllListeners('close');
      server.removeAllListeners('close');
    }
  }

  /** The far side is gone: whatever the server sends next is answered with a reset. */
  resetAtNextByte(): void {
    this.swallow();
    for (const { server } of this.#pairs) server.once('data', () => server.resetAndDestroy()).resume();
  }

  async close(): Promise<void> {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    this.#listener.close();
    await once(this.#listener, 'close');
  }
}
