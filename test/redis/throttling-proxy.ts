import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { portOf } from '../support/port-of.js';

const TICK_MS = 10;

interface WaitingBytes {
  readonly to: Socket;
  bytes: Buffer;
  readonly done: () => void;
}

/** A TCP proxy whose link from the server carries a limited number of bytes per second, shared by all connections. */
export class ThrottlingProxy {
  /** Bytes that the server has sent so far. */
  carried = 0;
  readonly #server: Server;
  readonly #target: number;
  readonly #bytesPerTick: number;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: WaitingBytes[] = [];
  readonly #timer: NodeJS.Timeout;

  private constructor(server: Server, target: number, bytesPerSecond: number) {
    this.#server = server;
    this.#target = target;
    this.#bytesPerTick = Math.ceil((bytesPerSecond * TICK_MS) / 1_000);
    this.#timer = setInterval(() => this.#carry(), TICK_MS);
    server.on('connection', (socket) => this.#forward(socket));
  }

  static async start(target: number, bytesPerSecond: number): Promise<ThrottlingProxy> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new ThrottlingProxy(server, target, bytesPerSecond);
  }

  get url(): string {
    return `redis://127.0.0.1:${portOf(this.#server)}`;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #forward(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true).on('error', end);
      socket.once('close', () => this.#sockets.delete(socket)).once('close', end);
    }
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => {
      server.pause();
      this.#waiting.push({ to: client, bytes, done: () => server.resume() });
    });
  }

  /** Carries the bytes of one tick, as a fair link does: a part of each connection in turn. */
  #carry(): void {
    for (let left = this.#bytesPerTick; left > 0 && this.#waiting.length > 0;) {
      const next = this.#waiting.shift() as WaitingBytes;
      const part = next.bytes.subarray(0, Math.min(left, 1_460));
      left -= part.length;
      this.carried += part.length;
      if (!next.to.destroyed) next.to.write(part);
      next.bytes = next.bytes.subarray(part.length);
      if (next.bytes.length > 0 && !next.to.destroyed) this.#waiting.push(next);
      else next.done();
    }
  }
}
