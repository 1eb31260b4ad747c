import { randomUUID } from 'node:crypto';
import type { SseClient } from 'nestjs-simple-sse';
import { sessionApp } from '../sessions/session-app.js';
import { platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, someTurns } from '../support/within.js';
import { socketFull, UnixSocketListener } from './unix-socket-listener.js';

const LARGE = 'x'.repeat(50_000);
/** More than the kernel and the connection take of a client that reads nothing: about 500 KiB. */
const EVENTS = 60;

/** A way to take the stream of a user out of a room. */
type Leave = (running: RunningApp, client: SseClient) => unknown;

const leaves: [string, Leave][] = [
  ['client.leave', (_running, client) => client.leave('chat')],
  ["client.leave('*')", (_running, client) => client.leave('*')],
  ['leave of the user', ({ sse }) => sse.leave({ user: 'ann' }, 'chat')],
  ['leave of the session', ({ sse }, client) => sse.leave({ session: keyOf(client) }, 'chat')],
  ['reauthorize', ({ sse }) => sse.reauthorize({ user: 'ann' })],
];

describe.each(platforms)('a client that reads nothing and leaves a room, on $name,', (platform) => {
  const revoked = new Set<string>();
  let running: RunningApp;
  let listener: UnixSocketListener;

  beforeEach(async () => {
    const options = {
      heartbeatIntervalMs: false,
      maxQueuedBytes: 64 * 1024 * 1024,
      authorizeRoom: (_client: SseClient, room: string) => !revoked.has(room),
    } as const;
    running = await platform.start(sessionApp(options));
    listener = await UnixSocketListener.open(running);
  });
  afterEach(async () => {
    revoked.clear();
    await listener.close();
    await running.close();
  });

  it.each(leaves)('is sent what was published before, and nothing after, by %s', async (_name, leave) => {
    const connection = listener.connectRaw();
    const received = await connection.get(`/news?session=${randomUUID()}&user=ann`, []).answer();
    const [client] = [...running.sse.clients('news')] as [SseClient];
    await running.sse.join(client, 'chat');
    connection.reader.pause();
    for (let n = 0; n < EVENTS; n++) {
      for (const room of ['chat', 'news'])
        await running.sse.broadcast(room, undefined, `${room} ${n} ${LARGE}`);
      await someTurns(1);
    }
    await socketFull(listener.newest);
    revoked.add('chat');
    await leave(running, client);
    await running.sse.broadcast('chat', undefined, 'after the leave');
    // '*' is every room, also that of the request.
    if (!client.in('news')) await running.sse.join(client, 'news');
    connection.reader.resume();
    await running.sse.broadcast('news', undefined, 'end');
    await eventually(() => received.body.includes('data: end'), 'the last event');
    const events = received.parsed().events.filter(({ event }) => event?.startsWith('sse:') !== true);
    const expected = Array.from({ length: EVENTS }, (_, n) => [`chat ${n}`, `news ${n}`]).flat();
    expect(events.map(({ data }) => data.replace(/ x+$/, ''))).toEqual([...expected, 'end']);
    connection.socket.destroy();
  });
});

function keyOf({ request }: SseClient): string {
  return (request as { query: { session: string } }).query.session;
}
