import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Stream } from 'node:http2';
import { portOf } from '../../../test/support/port-of.js';
import { eventually } from '../../../test/support/within.js';
import { WriteTimeoutTimer } from '../timers/write-timeout-timer.js';
import { Http2Sessions } from './http2-sessions.js';

/** More than Node accepts of one event before it warns of a leak. */
const STREAMS = 12;

it('a session that answers is kept when its streams are cut, and holds nothing of them', async () => {
  const sessions = new Http2Sessions(new WriteTimeoutTimer(60_000));
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect(`http://127.0.0.1:${portOf(server)}`);
  const listeners: number[] = [];
  for (let n = 0; n < STREAMS; n++) {
    const request = client.request({ ':path': '/' }).on('error', () => {});
    const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream];
    const { session } = stream;
    if (session === undefined) throw new Error('the stream has no session');
    sessions.add(session);
    const before = session.listenerCount('close');
    sessions.cancel(stream);
    await once(request, 'close');
    await eventually(() => session.listenerCount('close') === before, 'the answer of the client');
    listeners.push(before);
  }
  expect(new Set(listeners).size).toBe(1);
  expect(client.destroyed).toBe(false);
  client.destroy();
  server.close();
  await once(server, 'close');
});
