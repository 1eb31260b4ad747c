import { Redis } from 'ioredis';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { presenceApp } from '../presence/presence-app.js';
import { express } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually } from '../support/within.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** Events of another program. None of them is valid; the data of each is `forged`. */
const HEADERS = [
  '{"x":5}',
  '{"x":{}}',
  '{"n":{"toString":1}}',
  '{"n":"a\\nb"}',
  '{"n":"x\\ndata: forged"}',
  '{"n":"sse:ready"}',
  '{"n":"sse:gap"}',
  '{"n":"sse:join","s":1}',
  '{"c":[null]}',
];

function malformed({ logger }: RunningApp): string[] {
  const texts = logger.complaints.map(({ text }) => text);
  return texts.filter((text) => text.includes('malformed')).toSorted();
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'malformed messages of another program, over %s',
  (driver) => {
    let server: RedisServer;
    let app: RunningApp;
    let other: Redis;
    beforeEach(async () => {
      server = await RedisServer.start();
      other = new Redis(server.url);
      app = await express.start(presenceApp({ broker: redisBroker({ url: server.url, driver }) }));
    });
    afterEach(async () => {
      other.disconnect();
      await app.close();
      await server.dispose();
    });

    it('do not end a stream, reach no client live, and are logged once per kind', async () => {
      const stream = await app.listen('/rooms/chat?user=7');
      expect(await stream.nextEvent({ control: true })).toMatchObject({ event: 'sse:ready' });
      const future = Date.now() * 1_000 + 3_600_000_000;
      const epoch = (await other.hget('sse:{0}:m', 'e')) ?? '';
      for (const header of HEADERS) await other.spublish('sse:{0}:c:chat', `- 0  \n${header}\nforged`);
      await other.spublish('sse:{0}:c:chat', `${epoch} ${future} 0 \n\nforged`);
      await other.spublish('sse:{0}:c:chat', '0000\nabc 5 0 \n\nforged');
      await other.spublish('sse:{0}:c', `${epoch} 5 0 {"length":1}\n\nforged`);
      await other.spublish('sse:{0}:k', 'nonsense');
      for (const command of [
        { do: 'disconnect', users: ['7'], retryMs: 1e15 },
        { do: 'leave', users: ['7'], room: 'chat\n' },
        { do: 'disconnect', room: { toString: 1 } },
      ]) {
        await other.spublish('sse:{0}:k', `t${JSON.stringify(command)}`);
      }
      for (const channel of (await other.call('PUBSUB', 'SHARDCHANNELS', 'sse:{0}:n:*')) as string[]) {
        await other.spublish(channel, 'nonsense');
        await other.spublish(channel, `${epoch} ${future} 0`);
      }
      await app.sse.broadcast('chat', 'real', 1);
      await eventually(() => stream.rawText.includes('event: real'), 'the real event');
      expect(stream.isOpen).toBe(true);
      expect(stream.rawText).not.toContain('forged');
      expect(stream.retries).not.toContain(1e15);
      await eventually(() => malformed(app).length >= 3, 'the warnings');
      expect(malformed(app)).toEqual([
        expect.stringContaining('control message'),
        expect.stringContaining('event'),
        expect.stringContaining('sync marker'),
      ]);
    });

    it('do not fail a resume, and hide no event of history', async () => {
      const first = await app.listen('/rooms/chat?user=7');
      await first.nextEvent({ control: true });
      const id = await app.sse.broadcast('chat', 'known', 1);
      await eventually(() => first.rawText.includes('event: known'), 'the known event');
      first.close();
      await app.close();
      const stream = 'sse:{0}:s:chat';
      const start = Date.now() * 1_000;
      for (const [index, header] of HEADERS.entries()) {
        await other.xadd(stream, `${start + index}-0`, 'p', '0', 'd', `${header}\nforged`);
      }
      await other.xadd(stream, `${start + HEADERS.length}-5`, 'anything', 'forged');
      app = await express.start(presenceApp({ broker: redisBroker({ url: server.url, driver }) }));
      await app.sse.broadcast('chat', 'missed', 1);
      // Valid but for their positions: an hour ahead, and the greatest ones that Redis accepts. Each fills a page.
      const filler = 'forged'.repeat(100_000);
      for (const position of [start + 3_600_000_000, start + 3_700_000_000, '9007199254740990']) {
        await other.xadd(stream, `${position}-0`, 'p', '0', 'd', `\n${filler}`);
      }
      const resumed = await app.listen('/rooms/chat?user=7', { headers: { 'last-event-id': id ?? '' } });
      await eventually(() => resumed.rawText.includes('event: missed'), 'the missed event');
      await app.sse.broadcast('chat', 'live', 1);
      await eventually(() => resumed.rawText.includes('event: live'), 'the live event');
      expect(resumed.isOpen).toBe(true);
      expect(resumed.rawText).not.toContain('forged');
      expect(resumed.rawText).not.toContain('event: sse:gap');
      expect(malformed(app)).toEqual([expect.stringContaining('history entry')]);
    });

    it('in history do not take the place of its newest events', async () => {
      const stream = await app.listen('/rooms/other?user=7');
      await stream.nextEvent({ control: true });
      await app.sse.broadcast('chat', 'known', 1);
      const start = Date.now() * 1_000 + 3_600_000_000;
      for (let n = 0; n < 5; n++)
        await other.xadd('sse:{0}:s:chat', `${start + n}-0`, 'p', '0', 'd', '\nforged');
      const [client] = app.sse.clients('other');
      await client?.join('chat', { replay: 2 });
      await eventually(() => stream.rawText.includes('event: known'), 'the known event');
      await app.sse.broadcast('chat', 'live', 1);
      await eventually(() => stream.rawText.includes('event: live'), 'the live event');
      expect(stream.rawText).not.toContain('forged');
    });

    it('in the positions of a room or of all rooms count as unknown', async () => {
      const stream = await app.listen('/rooms/chat?user=7');
      await stream.nextEvent({ control: true });
      const names: string[] = [];
      for (const last of ['forged', '-5', 'nan', 'inf', '9007199254740991']) {
        await other.set('sse:{0}:l:chat', last);
        names.push(`last ${last}`);
        await app.sse.broadcast('chat', names.at(-1), 1);
      }
      for (const greatest of ['-5', 'nan', 'inf', '9007199254740991']) {
        await other.hset('sse:{0}:m', 'g', greatest);
        for (const attempt of [1, 2]) {
          names.push(`greatest ${greatest} ${attempt}`);
          const id = await app.sse.broadcast('chat', names.at(-1), 1);
          const [, , position = ''] = id?.split('.') ?? [];
          expect(parseInt(position, 36)).toBeLessThan(Date.now() * 1_000 + 60_000_000);
        }
      }
      const received = (): string[] =>
        stream.events.map(({ event }) => event).filter((name) => !name.startsWith('sse:'));
      await eventually(() => received().length >= names.length, 'the events');
      expect(received()).toEqual(names);
    });

    it('in the state and the presence of a room are replaced or skipped', async () => {
      await other.hset('sse:{0}:m', 'e', 'forged\nid: 1', 'g', 'many');
      await other.hset('sse:{0}:pm:chat', 'node forger', '1 1 {"forged', 'nospace', '1 1 ', 'node 8', 'x');
      const stream = await app.listen('/rooms/chat?user=7');
      await eventually(async () => (await app.sse.presence('chat')).length === 1, 'the member');
      expect((await app.sse.presence('chat'))[0]).toMatchObject({ user: '7', connections: 1 });
      const id = await app.sse.broadcast('chat', 'real', 1);
      expect(id).toMatch(/^1\.[0-9a-f]{8}\.[0-9a-z]+$/);
      await eventually(() => stream.rawText.includes('event: real'), 'the event');
      expect(stream.rawText).not.toContain('forged');
    });
  },
);
