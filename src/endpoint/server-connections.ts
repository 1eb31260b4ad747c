import { Server as Http1Server, type IncomingMessage } from 'node:http';
import type { Http2Session } from 'node:http2';
import { Server as HttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';

/** Interval at which connections that have become idle are closed, in milliseconds. */
const SWEEP_MS = 50;

/**
 * The connections of a server that carry no request, and would hold up its close. Node waits for an idle HTTP/2 session, for
 * an HTTP/1 connection that has sent nothing yet, and for one that a request leaves open after the close has begun: for as
 * long as the client keeps it.
 */
export class ServerConnections {
  readonly #server: Server;
  /** HTTP/1 connections without a request so far. */
  readonly #unused = new Set<Socket>();
  readonly #sessions = new Set<Http2Session>();
  #isClosing = false;

  /** @param server does not listen yet */
  constructor(server: Server) {
    this.#server = server;
    if (isHttp1(server)) {
      server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
        this.#unused.add(socket);
        socket.once('close', () => this.#unused.delete(socket));
      });
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

  #sweep(): void {
    if (isHttp1(this.#server)) this.#server.closeIdleConnections();
    // A connection that has sent something may be about to send the rest of a request, or belong to a WebSocket.
    for (const socket of this.#unused) if (socket.bytesRead === 0) socket.destroy();
  }
}

function isHttp1(server: Server): server is Http1Server | HttpsServer {
  return server instanceof Http1Server || server instanceof HttpsServer;
}
