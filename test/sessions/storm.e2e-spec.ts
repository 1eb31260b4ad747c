import { get, type IncomingMessage } from 'node:http';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { RedisSessions } from '../../src/broker/redis/sessions/redis-sessions.js';
import { jest } from '@jest/globals';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { fastify } from '../support/platforms.js';
import { eventually } from '../support/within.js';
import { sessionApp } from './session-app.js';

const SESSIONS = 1_000;

interface Stream {
  text: string;
  readonly response: IncomingMessage;
}

/** Opens the stream of a session, and settles with its `sse:ready`. */
function openSession(url: string, n: number, id?: string): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const headers = id === undefined ? {} : { 'last-event-id': id };
    const request = get(`${url}/news?session=session-of-a-storm-${n}`, { headers }, (response) => {
      const stream = { text: '', response };
      response.setEncoding('utf8');
      response.on('error', () => {});
      response.on('data', (part: string) => {
        stream.text += part;
        if (stream.text.includes('sse:ready') && stream.text.includes('\n\n')) resolve(stream);
      });
    });
    request.on('error', reject);
  });
}

describeWithRedis('a thousand sessions that come back to a node at once', () => {
  it('cost at most one call to Redis for each hundred, and each stream is in its room again without a gap', async () => {
    const server = await RedisServer.start();
    const start = () =>
      fastify.start(sessionApp({ broker: redisBroker({ url: server.url, publishTimeoutMs: 30_000 }) }));
    const [one, two] = [await start(), await start()];
    const numbers = Array.from({ length: SESSIONS }, (_, n) => n);
    const first = await Promise.all(numbers.map((n) => openSession(one.url, n)));
    await Promise.all(Array.from(one.sse.clients(), (client, n) => client.join(`chat/${n % 10}`)));
    for (const { response } of first) response.destroy();
    await eventually(() => one.sse.count() === 0, 'the end of the streams', 30_000);
    for (let n = 0; n < 10; n++) await two.sse.broadcast(`chat/${n}`, 'missed');
    await two.sse.broadcast('news', 'end');

    // All streams wait for their sessions before the first one is answered, however slow the machine is.
    // oxlint-disable-next-line typescript/unbound-method -- called with its own `this`
    const { change } = RedisSessions.prototype;
    let waiting = 0;
    let calls = 0;
    const spy = jest.spyOn(RedisSessions.prototype, 'change').mockImplementation(async function (
      this: RedisSessions,
      changes,
    ) {
      calls += Math.ceil(changes.length / 256);
      waiting = two.sse.count();
      await eventually(() => two.sse.count() === SESSIONS, 'all streams', 60_000);
      return change.call(this, changes);
    });
    const ids = first.map(({ text }) => /^id: ?(.*)$/m.exec(text)?.[1]);
    const back = await Promise.all(numbers.map((n) => openSession(two.url, n, ids[n])));
    await eventually(() => back.every(({ text }) => text.includes('data: end')), 'the missed events', 60_000);
    expect(waiting).toBe(SESSIONS);
    expect(calls).toBeLessThanOrEqual(SESSIONS / 100);
    for (const { text } of back) {
      expect(text).not.toContain('sse:gap');
      expect(text.match(/"restored":\["chat\/\d"\]/g)).toHaveLength(1);
      expect(text.match(/data: missed/g)).toHaveLength(1);
    }
    spy.mockRestore();
    for (const { response } of back) response.destroy();
    await one.close();
    await two.close();
    await server.dispose();
  }, 120_000);
});
