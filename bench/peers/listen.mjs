import { createServer } from 'node:http';
import { socketPath } from '../lib/socket-path.mjs';

/**
 * Listens on loopback and counts connections by the server's own handle count: no listener per connection,
 * so the measure of idle memory is the peer's alone.
 * @param {import('node:net').Server} server
 */
export async function listen(server) {
  const path = socketPath();
  const address = path ? { path } : { port: 0, host: '127.0.0.1' };
  await new Promise((resolve) => server.listen({ ...address, backlog: 2048 }, resolve));
  return running(server);
}

/** The two properties of a running peer that every Node server has. @param {import('node:net').Server} server */
export function running(server) {
  const connections = () =>
    new Promise((resolve, reject) =>
      server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  return { port: server.address().port, connections };
}

/**
 * A plain HTTP server for the peers that are not bound to a framework.
 * @param {(room: string, request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void} open
 */
export function listenHttp(open) {
  return listen(createServer((request, response) => open(request.url.split('/')[2], request, response)));
}

/**
 * A map that makes its value on first use: rooms for the peers that have none.
 * @template T
 * @param {(room: string) => T} create
 * @returns {(room: string) => T}
 */
export function rooms(create) {
  const map = new Map();
  return (room) => {
    let value = map.get(room);
    if (value === undefined) map.set(room, (value = create(room)));
    return value;
  };
}
