import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { portOf } from '../support/port-of.js';

/** A TCP proxy that can stop forwarding without closing anything, as a lost network does. */
export class TcpProxy {
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

  static async before(port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(port);
    await once(proxy.#listener.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get port(): number {
    return portOf(this.#listener);
  }

  /** Drops everything from now on, in both directions, and forwards no end of a connection. */
  swallow(): void {
    for (const { client, server } of this.#pairs) {
      client.removeAllListeners('data').pause();
      server.removeAllListeners('data').pause();
      client.removeAllListeners('close');
      server.removeAllListeners('close');
    }
  }

  /** Answers the next byte of the server with a reset, as a host does that lost the connection. */
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
