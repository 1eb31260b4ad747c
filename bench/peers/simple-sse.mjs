/** simple-sse, the ancestor of this module. */
import sse from 'simple-sse';
import { NO_HEARTBEAT_MS } from './index.mjs';
import { listenHttp } from './listen.mjs';

export async function start({ heartbeatMs = NO_HEARTBEAT_MS }) {
  sse.heartbeat = heartbeatMs;
  return {
    ...(await listenHttp((room, request, response) => {
      sse.join(sse.add(request, response), room);
      // It sends its response head with the first event only; the load generator waits for the head.
      response.flushHeaders();
    })),
    publish: (room, data) => void sse.broadcast(room, data),
  };
}
