/**
 * The floor: the lower limit for Node. No HTTP parser; one Buffer per event, already framed for
 * chunked coding, shared by all sockets; one write per client.
 */
import { createServer } from 'node:net';
import { NO_HEARTBEAT_MS } from './index.mjs';
import { listen, rooms } from './listen.mjs';

const HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n',
);

const chunked = (text) => Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);

export async function start({ heartbeatMs = NO_HEARTBEAT_MS }) {
  const room = rooms(() => new Set());
  const all = new Set();
  const server = createServer({ noDelay: true }, (socket) => {
    all.add(socket);
    let members;
    socket.once('data', (request) => {
      const path = request.toString('latin1', 0, request.indexOf(' HTTP'));
      members = room(path.split('/')[2]);
      members.add(socket);
      socket.write(HEAD);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      all.delete(socket);
      members?.delete(socket);
    });
  });

  const heartbeat = chunked(':\n');
  setInterval(() => {
    for (const socket of all) socket.write(heartbeat);
  }, heartbeatMs);

  return {
    ...(await listen(server)),
    publish(name, data) {
      const frame = chunked(`data: ${data}\n\n`);
      for (const socket of room(name)) socket.write(frame);
    },
  };
}
