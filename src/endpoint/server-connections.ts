import { Server as Http1Server, type IncomingMessage } from 'node:http';
import type { Http2Session } from 'node:http2';
import { Server as HttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';

/** Interval at which connections that have become idle are closed, in milliseconds. */
const SWEEP_MS = 50;

/** Connections without a request at which closed ones are removed. */
const MIN_PURGE_SIZE = 64;

/**
 * The connections of a server that carry no request, and would hold up its close. Node waits for an idle HTTP/2 session, for
 * an HTTP/1 connection that has sent nothing yet, and for one that a request leaves open after the close has begun: for as
 * long as the client keeps it.
 */
export class ServerConnections {
  readonly #server: Server;
  /** HTTP/1 connections without a request so far, and closed ones that are not removed yet. */
  readonly #unused = new Set<Socket>();
  #purgeSize = MIN_PURGE_SIZE;
  readonly #sessions = new Set<Http2Session>();
  #isClosing = false;

  /** @param server does not listen yet */
  constructor(server: Server) {
    this.#server = server;
    if (isHttp1(server)) {
      server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) =>
        this.#addUnused(socket),
      );
      server.prependListener('request', ({ socket }: IncomingMessage) => this.#unused.delete(socket));
    }
    server.on('session', (session: Http2Session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
      if (this.#isClosing) session.close();
    });
  }

  /** Closes connections without a request, from now on until the server has closed. Requests in progress end as usual. */
  closeIdle(): void {
    this.#isClosing = true;
    // A closed session accepts no more requests and ends with its last one.
    for (const session of this.#sessions) session.close();
    this.#sweep();
    const timer = setInterval(() => this.#sweep(), SWEEP_MS).unref();
    this.#server.once('close', () => clearInterval(timer));
  }

  /** Removes closed connections once there may be many: a listener for each would cost an open stream 250 bytes. */
  #addUnused(socket: Socket): void {
    this.#unused.add(socket);
    if (this.#unused.size < this.#purgeSize) return;
    for (const each of this.#unused) if (each.destroyed) this.#unused.delete(each);
    this.#purgeSize = Math.max(MIN_PURGE_SIZE, this.#unused.size * 2);
  }

  #sweep(): void {
    if (isHttp1(this.#server)) this.#server.closeIdleConnections();
    // A connection that has sent something may be about to send the rest of a request, or belong to a WebSocket.
    for (const socket of this.#unused) if (socket.bytesRead === 0) socket.destroy();
  }
}

function isHttp1(server: Server): server is Http1Server | HttpsServer {
  return server instanceof Http1Server || server instanceof HttpsServer;
}
