import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { portOf } from '../support/port-of.js';

/**
 * What the proxy does: it forwards; it answers each new request with a status of its own; it takes connections and says
 * nothing, which is a network that vanished; or it resets connections.
 */
export type Fault = 'none' | 'status' | 'silence' | 'reset';

/** A TCP proxy with faults, for clients that must not stay dead. */
export class FaultyProxy {
  fault: Fault = 'none';
  /** The answer under the fault `status`. */
  answer = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n';
  /** Requests that were not forwarded. */
  refused = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  /** The server behind it. May be replaced by another one. */
  target: URL;

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.target = new URL(target);
    server.on('connection', (socket) => this.#forward(socket));
  }

  static async start(target: string): Promise<FaultyProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyProxy(server, target);
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.#server)}`;
  }

  /** Ends all open connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }

  #forward(client: Socket): void {
    this.#track(client);
    if (this.fault === 'reset') {
      this.refused++;
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(this.target.port), '127.0.0.1');
    this.#track(server);
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
    client.on('data', (bytes: Buffer) => {
      if (this.fault === 'none') server.write(bytes);
      else this.refused++;
      if (this.fault === 'status') client.end(this.answer);
    });
    // A connection that has lost bytes stays silent: TCP never continues behind a hole.
    let hasLost = false;
    server.on('data', (bytes: Buffer) => {
      hasLost ||= this.fault !== 'none';
      if (!hasLost) client.write(bytes);
    });
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
