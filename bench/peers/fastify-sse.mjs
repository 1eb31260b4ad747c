/** @fastify/sse has no rooms: a Set of replies per room, as its documentation's examples do. */
import fastifySse from '@fastify/sse';
import { fastify } from 'fastify';
import { NO_HEARTBEAT_MS } from './index.mjs';
import { rooms, running } from './listen.mjs';

const ignore = () => {};

export async function start({ heartbeatMs = NO_HEARTBEAT_MS }) {
  const room = rooms(() => new Set());
  const app = fastify();
  // A string goes out as it is: by default it would be sent through JSON.stringify.
  await app.register(fastifySse, { heartbeatInterval: heartbeatMs, serializer: String });
  app.get('/rooms/:room/events', { sse: true }, async (request, reply) => {
    const members = room(request.params.room);
    reply.sse.keepAlive();
    reply.sse.sendHeaders();
    // It sends its response head with the first event only; the load generator waits for the head.
    reply.raw.flushHeaders();
    members.add(reply.sse);
    reply.sse.onClose(() => members.delete(reply.sse));
  });
  await app.listen({ port: 0, host: '127.0.0.1', backlog: 2048 });

  return {
    ...running(app.server),
    publish(name, data) {
      // Awaiting each client would let the slowest one hold up all the others.
      for (const sse of room(name)) sse.send({ data }).catch(ignore);
    },
  };
}
