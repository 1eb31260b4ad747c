import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { portOf } from '../support/port-of.js';

const LF = 10;

/** A bad network: a TCP proxy that cuts its connections after some bytes of what the server says. */
export class CuttingProxy {
  /** How many connections it has cut. */
  cuts = 0;
  /** Whether it cuts at all. */
  isCutting = false;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
    private readonly bytesUntilCut: () => number,
  ) {
    server.on('connection', (socket) => this.carry(socket));
  }

  /** @param bytesUntilCut drawn anew for each connection */
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

  private carry(client: Socket): void {
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
    // Never in a response's head: over plain HTTP Chromium takes half of one for the whole, misses the content type in
    // it and gives up for good.
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
      // What was let through arrives: a FIN in mid-chunk is as much of a cut as a reset, and takes nothing back.
      client.end(bytes.subarray(0, outsideBlankLine(bytes, left)));
      server.destroy();
    });
  }
}

/**
 * Not between the last two bytes of a block: there a client that takes ids before their block is complete, as
 * `@microsoft/fetch-event-source` does, would lose the block, and no server could help it.
 */
function outsideBlankLine(bytes: Buffer, at: number): number {
  return bytes[at - 1] === LF && bytes[at] === LF ? at - 1 : at;
}
