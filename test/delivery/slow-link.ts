import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { portOf } from '../support/port-of.js';
import { ThrottledReader } from './throttled-reader.js';

/** Forwards connections, and takes no more from the server than a test allows: a client behind it reads as slowly. */
export class SlowLink {
  readonly #listener: Server;
  readonly #sockets: Socket[] = [];
  readonly #readers: ThrottledReader[] = [];

  private constructor(port: number) {
    this.#listener = createServer((client) => {
      const server = connect({ host: '127.0.0.1', port });
      for (const socket of [client, server]) socket.on('error', () => {});
      this.#sockets.push(client, server);
      client.on('data', (bytes) => server.write(bytes)).once('close', () => server.destroy());
      server.once('close', () => client.destroy());
      const reader = new ThrottledReader(server);
      reader.onBytes((bytes) => client.write(bytes));
      this.#readers.push(reader);
    });
  }

  static async to(port: number): Promise<SlowLink> {
    const link = new SlowLink(port);
    await once(link.#listener.listen(0, '127.0.0.1'), 'listening');
    return link;
  }

  get port(): number {
    return portOf(this.#listener);
  }

  pause(): void {
    for (const reader of this.#readers) reader.pause();
  }

  /** Takes `bytes` from the server of each connection, with pauses of `everyMs`, `times` times. */
  async readSteadily(times: number, { bytes, everyMs }: { bytes: number; everyMs: number }): Promise<void> {
    for (let n = 0; n < times; n++) {
      for (const reader of this.#readers) reader.allow(bytes);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#listener.close();
    await once(this.#listener, 'close');
  }
}
