import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/within.js';
import { HandWritten } from './hand-written.js';
import { hallPath } from './ways.js';
import type { RunningApp } from '../support/running-app.js';
import type { Connect } from './hall.js';
import type { Receiver } from './receiver.js';

/**
 * A second entrance of a running application, on a Unix socket. The kernel keeps some 200 KiB of one direction there,
 * where TCP keeps megabytes and tunes them: so a client that does not read is stalled soon, and 200 of them cost little.
 */
export class Door {
  readonly #path = join(tmpdir(), `sse-${randomUUID()}.sock`);
  readonly #listener: Server;
  /** The server's ends of the connections, newest last. */
  readonly sockets: Socket[] = [];

  private constructor(running: RunningApp) {
    this.#listener = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.push(socket);
      running.server.emit('connection', socket);
    });
  }

  static async open(running: RunningApp): Promise<Door> {
    const door = new Door(running);
    await once(door.#listener.listen(door.#path), 'listening');
    return door;
  }

  knock(): HandWritten {
    return HandWritten.local(this.#path);
  }

  /** A client whose valve is open. */
  readonly connect: Connect = (_running, rooms) => this.knock().get(hallPath(rooms)).answer();

  /** The server's end of the connection made last. */
  get newest(): Socket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('nobody has come');
    return socket;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets.splice(0)) socket.destroy();
    this.#listener.close();
    await once(this.#listener, 'close');
  }
}

/** Resolves once a socket holds bytes that the kernel does not take, and has for a while. */
export async function full(socket: Socket): Promise<void> {
  await eventually(() => socket.writableLength > 0, 'a full socket');
}

/** Reads through a valve in sips, until the receiver holds so many bytes. */
export async function sip(
  receiver: Receiver,
  until: number,
  { bytes, everyMs }: { bytes: number; everyMs: number },
): Promise<void> {
  while (receiver.length < until && receiver.isOpen) {
    receiver.valve?.allow(bytes);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
