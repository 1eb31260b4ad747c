import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { changesIn, changesOf, lobbyApp, membersIn } from '../presence/presence-app.js';
import { express, fastify, type Platform } from '../support/platforms.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, within } from '../support/within.js';
import { brokerOf, lapse, leases, TIMES } from './presence-node.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

function seen(app: RunningApp, room: string, ...wanted: string[]): Promise<void> {
  return eventually(
    async () => (await membersIn(app, room)).join() === wanted.join(),
    `${wanted.join()} in ${room}`,
  );
}

/** A client that hears its room: of nobody in particular, where the path names none. */
async function watch(app: RunningApp, path = '/rooms/chat'): Promise<EventStream> {
  const stream = await app.listen(path);
  expect(await stream.nextEvent({ control: true })).toMatchObject({ event: 'sse:ready' });
  return stream;
}

function told(stream: EventStream, ...changes: string[]): Promise<void> {
  return eventually(() => changesIn(stream).join() === changes.join(), `${changes.join()}, told to a client`);
}

function ended(stream: EventStream): Promise<unknown> {
  return within(stream.ended, 'the end of the stream');
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'two applications on one Redis, over %s',
  (driver) => {
    let server: RedisServer;
    let one: RunningApp;
    let two: RunningApp;
    const running: RunningApp[] = [];

    async function start(platform: Platform, presenceGraceMs: number | false): Promise<RunningApp> {
      const redis = { url: server.url, driver, publishTimeoutMs: 1_000, connectTimeoutMs: 500 };
      const broker = brokerOf(redis, TIMES);
      const app = await platform.start(lobbyApp({ broker, presenceGraceMs }));
      running.push(app);
      return app;
    }

    async function startBoth(presenceGraceMs: number | false = false): Promise<void> {
      one = await start(express, presenceGraceMs);
      two = await start(fastify, presenceGraceMs);
    }

    beforeEach(async () => {
      server = await RedisServer.start();
    });
    afterEach(async () => {
      await Promise.all(running.splice(0).map((app) => app.close()));
      await server.dispose();
    });

    it('tabs of a user at both join once and leave once, and both tell their clients', async () => {
      await startBoth();
      const watching = [await watch(one), await watch(two)];
      const changes = changesOf(one, 'chat');
      const tabs = [
        await one.listen('/rooms/chat?user=7&name=Ann'),
        await two.listen('/rooms/chat?user=7&name=Ann'),
      ];
      for (const app of [one, two]) await seen(app, 'chat', '7 2');
      expect(await one.sse.presence('chat')).toEqual([{ user: '7', info: { name: 'Ann' }, connections: 2 }]);
      expect(await two.sse.presenceCount('chat')).toEqual({ users: 1, connections: 2 });
      tabs[0]?.close();
      for (const app of [one, two]) await seen(app, 'chat', '7 1');
      tabs[1]?.close();
      for (const app of [one, two]) await seen(app, 'chat');
      for (const stream of watching) {
        await told(stream, 'join 7', 'leave 7');
        expect(
          stream.events.filter(({ event }) => /join|leave/.test(event)).map(({ data }) => JSON.parse(data)),
        ).toEqual([
          { room: 'chat', user: '7', info: { name: 'Ann' } },
          { room: 'chat', user: '7', info: { name: 'Ann' } },
        ]);
        expect(stream.rawText).not.toMatch(/event: sse:(join|leave)\n(data: .*\n)+id:/);
      }
      await eventually(() => changes.length === 2, 'the changes');
      expect(changes).toEqual(['join 7', 'leave 7']);
    });

    it('streams at the other one are ended, and users taken out of rooms there', async () => {
      await startBoth();
      const mine = await one.listen('/rooms/chat?user=7');
      const theirs = await two.listen('/rooms/chat?user=7');
      const third = await two.listen('/rooms/chat?user=8');
      const other = await two.listen('/rooms/other?user=7');
      await seen(one, 'chat', '7 2', '8 1');
      await one.sse.leave({ user: 7 }, 'chat');
      await seen(one, 'chat', '8 1');
      expect([one.sse.count('chat'), mine.isOpen, theirs.isOpen]).toEqual([0, true, true]);
      await one.sse.disconnect({ user: 7, room: 'other' }, { retryMs: 12_345 });
      await ended(other);
      expect(other.retries.at(-1)).toBe(12_345);
      await one.sse.disconnect({ room: 'chat', where: ({ user }) => user === '8' });
      await ended(third);
      await seen(one, 'chat');
      const [client] = two.sse.clients();
      await one.sse.disconnect(client?.id ?? '');
      await ended(theirs);
      expect([two.sse.count(), mine.isOpen]).toEqual([0, true]);
      await two.sse.disconnect({ user: 7 });
      await ended(mine);
    });

    it('an event leaves out the clients of a user at both, and what they missed as well', async () => {
      await startBoth();
      const streams = [await watch(one, '/rooms/other?user=7'), await watch(two, '/rooms/other?user=7')];
      const position = await one.sse.broadcast('other', 'before', 1);
      await one.sse.broadcast('other', 'secret', 1, { except: { user: 7 } });
      await two.sse.broadcast('other', 'after', 1);
      const headers = { 'last-event-id': position ?? '' };
      for (const stream of streams) {
        expect((await stream.nextEvents(2)).map(({ event }) => event)).toEqual(['before', 'after']);
      }
      const back = await two.listen('/rooms/other?user=7', { headers });
      expect((await back.nextEvent()).event).toBe('after');
      const stranger = await two.listen('/rooms/other?user=8', { headers });
      expect((await stranger.nextEvents(2)).map(({ event }) => event)).toEqual(['secret', 'after']);
    });

    it('who comes back at the other one when an application closes never left', async () => {
      one = await start(express, 600_000);
      const [lease = ''] = await leases(server);
      two = await start(fastify, 600_000);
      const watching = await watch(two);
      for (const user of ['back', 'gone']) await one.listen(`/rooms/chat?user=${user}`);
      await told(watching, 'join back', 'join gone');
      await one.shutDown();
      await two.listen('/rooms/chat?user=back');
      await seen(two, 'chat', 'back 1', 'gone 0');
      // The grace time is over.
      await lapse(server, lease);
      await seen(two, 'chat', 'back 1');
      await told(watching, 'join back', 'join gone', 'leave gone');
    });

    it('without grace, who does not come back leaves when the application closes', async () => {
      await startBoth(false);
      const watching = await watch(two);
      await one.listen('/rooms/chat?user=gone');
      await told(watching, 'join gone');
      await one.shutDown();
      await told(watching, 'join gone', 'leave gone');
      await seen(two, 'chat');
    });

    it('streams stay open while Redis is away, and who came and went meanwhile counts when it is back', async () => {
      await startBoth();
      const stays = await one.listen('/rooms/chat?user=stays');
      const goes = await two.listen('/rooms/chat?user=goes');
      await seen(one, 'chat', 'goes 1', 'stays 1');
      await server.kill();
      goes.close();
      await eventually(() => two.sse.count() === 0, 'the server to notice');
      await two.listen('/rooms/chat?user=comes');
      await expect(one.sse.presence('chat')).rejects.toMatchObject({ code: 'broker-unavailable' });
      await expect(one.sse.disconnect({ room: 'chat' })).rejects.toMatchObject({
        code: 'broker-unavailable',
      });
      await server.launch();
      for (const app of [one, two]) {
        await eventually(
          async () => (await membersIn(app, 'chat').catch(() => [])).join() === 'comes 1,stays 1',
          'the members of now',
        );
      }
      expect(stays.isOpen).toBe(true);
    });

    it('between subscribing to the changes and asking for the list nothing falls', async () => {
      await startBoth();
      const rooms = Array.from({ length: 15 }, (_, n) => `chat-${n}`);
      const joining = rooms.map(async (room) => {
        const streams = await Promise.all([1, 2, 3].map((user) => one.listen(`/rooms/${room}?user=${user}`)));
        return streams.length;
      });
      const known = rooms.map(async (room) => {
        const users = new Set<string>();
        two.sse.presence$(room).subscribe(({ user }) => users.add(user));
        for (const { user } of await two.sse.presence(room)) users.add(user);
        return users;
      });
      await Promise.all(joining);
      for (const users of await Promise.all(known)) {
        await eventually(() => [...users].toSorted().join() === '1,2,3', 'everybody, from the list or heard');
      }
    });
  },
);
