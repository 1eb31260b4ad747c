/** sse-channel: a channel per room. */
import SseChannel from 'sse-channel';
import { NO_HEARTBEAT_MS } from './index.mjs';
import { listenHttp, rooms } from './listen.mjs';

export async function start({ heartbeatMs = NO_HEARTBEAT_MS }) {
  const channel = rooms(() => new SseChannel({ pingInterval: heartbeatMs }));
  return {
    ...(await listenHttp((room, request, response) => channel(room).addClient(request, response))),
    publish: (room, data) => void channel(room).send({ data }),
  };
}
