/** Socket.IO over WebSocket (no polling, no upgrade): the model for rooms, with another protocol on the wire. */
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { NO_HEARTBEAT_MS } from './index.mjs';
import { listen } from './listen.mjs';

export async function start({ heartbeatMs = NO_HEARTBEAT_MS }) {
  const server = createServer();
  const io = new Server(server, { transports: ['websocket'], pingInterval: heartbeatMs, serveClient: false });
  io.on('connection', (socket) => socket.join(socket.handshake.query.room));
  return {
    ...(await listen(server)),
    publish: (room, data) => void io.to(room).emit('e', data),
  };
}
