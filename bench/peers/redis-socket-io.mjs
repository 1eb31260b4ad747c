/** Socket.IO as one of several nodes, with the adapters that its documentation names for Redis. */
import { createServer } from 'node:http';
import { createAdapter as pubSubAdapter } from '@socket.io/redis-adapter';
import { createAdapter as streamsAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { NO_HEARTBEAT_MS } from './index.mjs';
import { listen } from './listen.mjs';
import { withoutRedis } from './without-redis.mjs';

export const unavailable = withoutRedis;

const adapters = {
  'pub-sub': (url) => pubSubAdapter(new Redis(url), new Redis(url)),
  // Its XREAD expects the replies of RESP2, which ioredis 6 asks for no longer by itself.
  streams: (url) => streamsAdapter(new Redis(url, { protocol: 2 })),
};

export async function start({ adapter, redisUrl }) {
  const server = createServer();
  const io = new Server(server, {
    transports: ['websocket'],
    pingInterval: NO_HEARTBEAT_MS,
    serveClient: false,
    adapter: adapters[adapter](redisUrl),
  });
  io.on('connection', (socket) => socket.join(socket.handshake.query.room));
  return {
    ...(await listen(server)),
    publish: (room, data) => void io.to(room).emit('e', data),
    follow: ({ rooms }) => void io.of('/').adapter.addAll('nobody', new Set(rooms)),
  };
}
