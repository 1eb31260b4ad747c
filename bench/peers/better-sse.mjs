/** better-sse: a channel per room, a session per client. */
import { createChannel, createSession } from 'better-sse';
import { NO_HEARTBEAT_MS } from './index.mjs';
import { listenHttp, rooms } from './listen.mjs';

export async function start({ heartbeatMs = NO_HEARTBEAT_MS }) {
  const channel = rooms(() => createChannel());
  return {
    ...(await listenHttp(async (room, request, response) => {
      const session = await createSession(request, response, { keepAlive: heartbeatMs });
      channel(room).register(session);
    })),
    publish: (room, data) => void channel(room).broadcast(data),
  };
}
