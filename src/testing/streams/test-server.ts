import type { INestApplication } from '@nestjs/common';
import type { AddressInfo, Server } from 'node:net';
import { Server as HttpServer } from 'node:http';
import type { Http2Server, Http2Session } from 'node:http2';
import { Server as HttpsServer } from 'node:https';
import { Server as TlsServer } from 'node:tls';

/** An address, and what stops the server that listens there for tests alone. */
export interface TestAddress {
  readonly url: string;
  /** `true` for a server of HTTP/2. */
  readonly http2: boolean;
  /** The server that `addressOf` has made to listen; `undefined` for an application that listens by itself. */
  readonly opened: Server | undefined;
}

/** Servers that listen for tests alone. */
const opened = new Set<Server>();

/** The open sessions of each server over HTTP/2 that has been opened here. */
const sessions = new WeakMap<Server, Set<Http2Session>>();

/**
 * Makes an application reachable. One that does not listen is initialized, and its server listens on a free port of 127.0.0.1
 * until `stopListening`: `inject()` of Fastify answers when a response has ended, so an open stream never answers there.
 */
export async function addressOf(app: INestApplication): Promise<TestAddress> {
  const server = app.getHttpServer() as Server;
  if (!server.listening) await listen(app, server);
  const { port, address, family } = server.address() as AddressInfo;
  const isAny = address === '::' || address === '0.0.0.0';
  const host = isAny ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  const scheme = server instanceof TlsServer ? 'https' : 'http';
  return {
    url: `${scheme}://${host}:${port}`,
    http2: !isHttp1(server),
    opened: opened.has(server) ? server : undefined,
  };
}

async function listen(app: INestApplication, server: Server): Promise<void> {
  await app.init();
  // Fastify builds its routes when it is ready, which `listen()` of the application would await.
  const instance = app.getHttpAdapter().getInstance() as { ready?: () => PromiseLike<unknown> };
  if (typeof instance.ready === 'function') await instance.ready();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  // `app.close()` of Fastify does not know of it: an unclosed server would keep the process alive.
  server.unref();
  opened.add(server);
  if (!isHttp1(server) && !sessions.has(server)) sessions.set(server, sessionsOf(server as Http2Server));
}

/** Returns the sessions of a server that are open, and keeps them up to date. */
function sessionsOf(server: Http2Server): Set<Http2Session> {
  const open = new Set<Http2Session>();
  server.on('session', (session) => {
    open.add(session);
    session.once('close', () => open.delete(session));
  });
  return open;
}

/** Stops servers that `addressOf` has started; by default all. The applications remain usable, and may listen again. */
export async function stopListening(servers: readonly Server[] = [...opened]): Promise<void> {
  await Promise.all(
    servers.map(async (server) => {
      opened.delete(server);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if (isHttp1(server)) server.closeAllConnections();
      for (const session of sessions.get(server) ?? []) session.destroy();
      await closed;
    }),
  );
}

function isHttp1(server: Server): server is HttpServer | HttpsServer {
  return server instanceof HttpServer || server instanceof HttpsServer;
}
