import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/within.js';
import { RawConnection } from './raw-connection.js';
import { streamPath } from './delivery.controller.js';
import type { RunningApp } from '../support/running-app.js';
import type { Connect } from './delivery-harness.js';
import type { ReceivedStream } from './received-stream.js';

/**
 * A second listener of a running application, on a Unix socket. The kernel buffers about 200 KiB of each direction there,
 * and megabytes over TCP: a client that does not read stalls soon, and 200 such clients need little memory.
 */
export class UnixSocketListener {
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

  static async open(running: RunningApp): Promise<UnixSocketListener> {
    const listener = new UnixSocketListener(running);
    await once(listener.#listener.listen(listener.#path), 'listening');
    return listener;
  }

  connectRaw(): RawConnection {
    return RawConnection.unixSocket(this.#path);
  }

  /** Connects a client that reads everything, until its reader is paused. */
  readonly connect: Connect = (_running, rooms) => this.connectRaw().get(streamPath(rooms)).answer();

  /** The server's end of the connection made last. */
  get newest(): Socket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no client has connected');
    return socket;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets.splice(0)) socket.destroy();
    this.#listener.close();
    await once(this.#listener, 'close');
  }
}

/** Resolves once a socket queues bytes that the kernel does not accept. */
export async function socketFull(socket: Socket): Promise<void> {
  await eventually(() => socket.writableLength > 0, 'a full socket');
}

/** Reads `bytes` at a time, with pauses of `everyMs`, until `until` bytes have arrived or the stream has ended. */
export async function readInParts(
  received: ReceivedStream,
  until: number,
  { bytes, everyMs }: { bytes: number; everyMs: number },
): Promise<void> {
  while (received.length < until && received.isOpen) {
    received.reader?.allow(bytes);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
