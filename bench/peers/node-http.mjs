/** A hand-written server on `node:http`: a Set of responses and one string, `res.write` per client. */
import { NO_HEARTBEAT_MS } from './index.mjs';
import { listenHttp, rooms } from './listen.mjs';

export async function start({ heartbeatMs = NO_HEARTBEAT_MS }) {
  const room = rooms(() => new Set());
  const all = new Set();

  setInterval(() => {
    for (const response of all) response.write(':\n');
  }, heartbeatMs);

  return {
    ...(await listenHttp((name, _request, response) => {
      const members = room(name);
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
      response.flushHeaders();
      members.add(response);
      all.add(response);
      response.on('close', () => {
        members.delete(response);
        all.delete(response);
      });
    })),
    publish(name, data) {
      const frame = `data: ${data}\n\n`;
      for (const response of room(name)) response.write(frame);
    },
  };
}
