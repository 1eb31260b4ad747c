import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { portOf } from '../support/port-of.js';

const LF = 10;

/** A TCP proxy that cuts each connection after a number of bytes from the server. */
export class CuttingProxy {
  /** The number of connections cut. */
  cuts = 0;
  /** Cuts connections while it is true. */
  isCutting = false;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
    private readonly bytesUntilCut: () => number,
  ) {
    server.on('connection', (socket) => this.forward(socket));
  }

  /** @param bytesUntilCut returns the number of bytes for a new connection */
  static async start(targetUrl: string, bytesUntilCut: () => number): Promise<CuttingProxy> {
    const server = createServer({ allowHalfOpen: false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CuttingProxy(server, Number(new URL(targetUrl).port), bytesUntilCut);
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.server)}`;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private forward(client: Socket): void {
    const server = connect(this.targetPort, '127.0.0.1');
    let left = this.bytesUntilCut();
    const cut = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', cut);
      socket.once('close', () => {
        this.sockets.delete(socket);
        cut();
      });
    }
    // A response head is never cut: over plain HTTP, Chromium takes a part of one for the whole, misses the content type
    // and never reconnects.
    let inHead = true;
    client.on('data', (bytes: Buffer) => {
      inHead = true;
      server.write(bytes);
    });
    server.on('data', (bytes: Buffer) => {
      if (inHead) left += bytes.indexOf('\r\n\r\n') + 4;
      inHead = false;
      if (!this.isCutting || bytes.length < left) {
        if (this.isCutting) left -= bytes.length;
        client.write(bytes);
        return;
      }
      this.cuts++;
      // A FIN within a chunk cuts the stream as a reset does, but the client receives every byte sent before it.
      client.end(bytes.subarray(0, outsideBlankLine(bytes, left)));
      server.destroy();
    });
  }
}

/**
 * Moves a cut away from the last two bytes of a block. `@microsoft/fetch-event-source` takes an id before its block is
 * complete and would lose the block there, which no server can prevent.
 */
function outsideBlankLine(bytes: Buffer, at: number): number {
  return bytes[at - 1] === LF && bytes[at] === LF ? at - 1 : at;
}
