import { Server as Http1Server, type IncomingMessage } from 'node:http';
import type { Http2Session } from 'node:http2';
import { Server as HttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { socketOf } from '../connection/response/http2-sessions.js';

/** Interval at which connections that have become idle are closed, in milliseconds. */
const SWEEP_MS = 50;

/** Time for the client of a closed HTTP/2 session to end its connection, in milliseconds. */
const LINGER_MS = 1_000;

/** Number of connections at which closed ones are removed. */
const MIN_PURGE_SIZE = 64;

/**
 * The connections of a server that carry no request, and would hold up its close. Node waits for an idle HTTP/2 session, for
 * an HTTP/1 connection that has sent nothing yet, for one that a request leaves open after the close has begun, for a TLS
 * connection without a handshake, and for the client to end a closed HTTP/2 connection.
 */
export class ServerConnections {
  readonly #server: Server;
  /** HTTP/1 connections without a request so far, by themselves. */
  readonly #unused = new Connections();
  /** Connections of a TLS server before the end of their handshake, by the client's address and port. */
  readonly #handshakes = new Connections();
  readonly #sessions = new Map<Http2Session, { socket: Socket | undefined; endedMs: number }>();
  #isClosing = false;

  /** @param server does not listen yet */
  constructor(server: Server) {
    this.#server = server;
    if (isHttp1(server)) {
      server.on(server instanceof HttpsServer ? 'secureConnection' : 'connection', (socket: Socket) =>
        this.#unused.add(socket, socket),
      );
      server.prependListener('request', ({ socket }: IncomingMessage) => this.#unused.delete(socket));
    }
    if (server instanceof TlsServer) {
      server.on('connection', (socket: Socket) => {
        const client = clientOf(socket);
        if (client !== undefined) this.#handshakes.add(client, socket);
      });
      server.prependListener('secureConnection', (socket: Socket) => {
        this.#handshakes.delete(clientOf(socket) ?? '');
      });
    }
    server.on('session', (session: Http2Session) => {
      this.#sessions.set(session, { socket: socketOf(session), endedMs: 0 });
      session.once('close', () => this.#sessions.delete(session));
      if (this.#isClosing) session.close();
    });
  }

  /** Closes connections without a request, from now on until the server has closed. Requests in progress end as usual. */
  closeIdle(): void {
    this.#isClosing = true;
    // A closed session accepts no more requests and ends with its last one.
    for (const session of this.#sessions.keys()) session.close();
    this.#sweep();
    const timer = setInterval(() => this.#sweep(), SWEEP_MS).unref();
    this.#server.once('close', () => clearInterval(timer));
  }

  #sweep(): void {
    if (isHttp1(this.#server)) this.#server.closeIdleConnections();
    // A connection that has sent something may be about to send the rest of a request, or belong to a WebSocket.
    for (const socket of this.#unused.all()) if (socket.bytesRead === 0) socket.destroy();
    for (const socket of this.#handshakes.all()) socket.destroy();
    for (const [session, entry] of this.#sessions) {
      // Its socket has sent everything and waits for the client to end the connection as well.
      if (session.destroyed && (entry.endedMs += SWEEP_MS) > LINGER_MS) entry.socket?.destroy();
    }
  }
}

/** Open connections, and closed ones that are not removed yet: a listener for each would cost an open stream 250 bytes. */
class Connections {
  readonly #sockets = new Map<Socket | string, Socket>();
  #purgeSize = MIN_PURGE_SIZE;

  add(key: Socket | string, socket: Socket): void {
    this.#sockets.set(key, socket);
    if (this.#sockets.size < this.#purgeSize) return;
    for (const [each, { destroyed }] of this.#sockets) if (destroyed) this.#sockets.delete(each);
    this.#purgeSize = Math.max(MIN_PURGE_SIZE, this.#sockets.size * 2);
  }

  delete(key: Socket | string): void {
    this.#sockets.delete(key);
  }

  all(): Iterable<Socket> {
    return this.#sockets.values();
  }
}

function isHttp1(server: Server): server is Http1Server | HttpsServer {
  return server instanceof Http1Server || server instanceof HttpsServer;
}

/** `undefined` for a connection over a Unix socket, and for one that is closed. */
function clientOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}
