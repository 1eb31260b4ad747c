/** express-sse has no rooms: one `SSE` object per room. */
import express from 'express';
import { createServer } from 'node:http';
import SSE from 'express-sse';
import { listen, rooms } from './listen.mjs';

export async function start() {
  const room = rooms(() => new SSE());
  const app = express();
  app.get('/rooms/:room/events', (request, response) => {
    room(request.params.room).init(request, response);
    // It sends its response head with the first event only; the load generator waits for the head.
    response.flushHeaders();
  });
  return {
    ...(await listen(createServer(app))),
    publish: (name, data) => void room(name).send(data),
  };
}
