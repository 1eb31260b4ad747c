import type { INestApplication } from '@nestjs/common';
import type { AddressInfo, Server } from 'node:net';
import { Server as HttpsServer } from 'node:https';
import { TestStreamError } from './test-stream-error.js';

/** An address, and what stops the server that listens there for tests alone. */
export interface TestAddress {
  readonly url: string;
  /** The server that `addressOf` has made to listen; `undefined` for an application that listens by itself. */
  readonly opened: Server | undefined;
}

/** Servers that listen for tests alone. */
const opened = new Set<Server>();

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
  const scheme = server instanceof HttpsServer ? 'https' : 'http';
  return { url: `${scheme}://${host}:${port}`, opened: opened.has(server) ? server : undefined };
}

async function listen(app: INestApplication, server: Server): Promise<void> {
  if (typeof (server as Partial<HttpsServer>).closeAllConnections !== 'function') {
    throw new TestStreamError(
      'openTestStream speaks HTTP/1: let an application over HTTP/2 listen by itself with allowHTTP1, and pass its URL.',
    );
  }
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
}

/** Stops servers that `addressOf` has started; by default all. The applications remain usable, and may listen again. */
export async function stopListening(servers: readonly Server[] = [...opened]): Promise<void> {
  await Promise.all(
    servers.map(async (server) => {
      opened.delete(server);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      (server as HttpsServer).closeAllConnections();
      await closed;
    }),
  );
}
