import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { changesIn, changesOf, presenceApp, membersIn } from '../../presence/presence-app.js';
import { express, fastify, type Platform } from '../../support/platforms.js';
import type { EventStream } from '../../support/event-stream.js';
import type { RunningApp } from '../../support/running-app.js';
import { eventually, within } from '../../support/within.js';
import { brokerOf, expireLeases, leases, TIMES } from './presence-node.js';
import { describeWithRedis, RedisServer } from '../redis-server.js';

function waitForMembers(app: RunningApp, room: string, ...expected: string[]): Promise<void> {
  return eventually(
    async () => (await membersIn(app, room)).join() === expected.join(),
    `${expected.join()} in ${room}`,
  );
}

/** Opens a stream that receives the events of its room; as an anonymous client where the path names no user. */
async function observe(app: RunningApp, path = '/rooms/chat'): Promise<EventStream> {
  const stream = await app.listen(path);
  expect(await stream.nextEvent({ control: true })).toMatchObject({ event: 'sse:ready' });
  return stream;
}

function waitForChanges(stream: EventStream, ...changes: string[]): Promise<void> {
  return eventually(() => changesIn(stream).join() === changes.join(), `${changes.join()} on a stream`);
}

function ended(stream: EventStream): Promise<unknown> {
  return within(stream.ended, 'the end of the stream');
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'presence of two applications on one Redis, over %s',
  (driver) => {
    let server: RedisServer;
    let one: RunningApp;
    let two: RunningApp;
    const running: RunningApp[] = [];

    async function start(platform: Platform, presenceGraceMs: number | false): Promise<RunningApp> {
      const redis = { url: server.url, driver, publishTimeoutMs: 1_000, connectTimeoutMs: 500 };
      const broker = brokerOf(redis, TIMES);
      const app = await platform.start(presenceApp({ broker, presenceGraceMs }));
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

    it('reports one join and one leave to the clients of both for a user with a tab on each', async () => {
      await startBoth();
      const observer = [await observe(one), await observe(two)];
      const changes = changesOf(one, 'chat');
      const tabs = [
        await one.listen('/rooms/chat?user=7&name=Ann'),
        await two.listen('/rooms/chat?user=7&name=Ann'),
      ];
      for (const app of [one, two]) await waitForMembers(app, 'chat', '7 2');
      expect(await one.sse.presence('chat')).toEqual([{ user: '7', info: { name: 'Ann' }, connections: 2 }]);
      expect(await two.sse.presenceCount('chat')).toEqual({ users: 1, connections: 2 });
      tabs[0]?.close();
      for (const app of [one, two]) await waitForMembers(app, 'chat', '7 1');
      tabs[1]?.close();
      for (const app of [one, two]) await waitForMembers(app, 'chat');
      for (const stream of observer) {
        await waitForChanges(stream, 'join 7', 'leave 7');
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

    it('sends a user the own join, also in a room that is new to its node', async () => {
      await startBoth();
      for (const [n, app] of [one, two].entries()) {
        const stream = await app.listen(`/rooms/chat-${n}?user=7`);
        await waitForChanges(stream, 'join 7');
      }
    });

    it('covers disconnect and leave of clients on the other application', async () => {
      await startBoth();
      const mine = await one.listen('/rooms/chat?user=7');
      const theirs = await two.listen('/rooms/chat?user=7');
      const third = await two.listen('/rooms/chat?user=8');
      const other = await two.listen('/rooms/other?user=7');
      await waitForMembers(one, 'chat', '7 2', '8 1');
      await one.sse.leave({ user: 7 }, 'chat');
      await waitForMembers(one, 'chat', '8 1');
      expect([one.sse.count('chat'), mine.isOpen, theirs.isOpen]).toEqual([0, true, true]);
      await one.sse.disconnect({ user: 7, room: 'other' }, { retryMs: 12_345 });
      await ended(other);
      expect(other.retries.at(-1)).toBe(12_345);
      await one.sse.disconnect({ room: 'chat', where: ({ user }) => user === '8' });
      await ended(third);
      await waitForMembers(one, 'chat');
      const [client] = two.sse.clients();
      await one.sse.disconnect(client?.id ?? '');
      await ended(theirs);
      expect([two.sse.count(), mine.isOpen]).toEqual([0, true]);
      await two.sse.disconnect({ user: 7 });
      await ended(mine);
    });

    it('excludes a user from an event on both applications, also on resume', async () => {
      await startBoth();
      const streams = [await observe(one, '/rooms/other?user=7'), await observe(two, '/rooms/other?user=7')];
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

    it('reports no leave for a user who reconnects to the other application when one closes', async () => {
      one = await start(express, 600_000);
      await eventually(async () => (await leases(server)).length === 1, 'the lease of the first application');
      const [lease = ''] = await leases(server);
      two = await start(fastify, 600_000);
      const observer = await observe(two);
      for (const user of ['back', 'gone']) await one.listen(`/rooms/chat?user=${user}`);
      await waitForChanges(observer, 'join back', 'join gone');
      await one.shutDown();
      await two.listen('/rooms/chat?user=back');
      await waitForMembers(two, 'chat', 'back 1', 'gone 0');
      // Ends the grace time.
      await expireLeases(server, lease);
      await waitForMembers(two, 'chat', 'back 1');
      await waitForChanges(observer, 'join back', 'join gone', 'leave gone');
    });

    it('reports a leave when an application without grace time closes', async () => {
      await startBoth(false);
      const observer = await observe(two);
      await one.listen('/rooms/chat?user=gone');
      await waitForChanges(observer, 'join gone');
      await one.shutDown();
      await waitForChanges(observer, 'join gone', 'leave gone');
      await waitForMembers(two, 'chat');
    });

    it('keeps streams open while Redis is unavailable and includes later the changes of that time', async () => {
      await startBoth();
      const stays = await one.listen('/rooms/chat?user=stays');
      const goes = await two.listen('/rooms/chat?user=goes');
      await waitForMembers(one, 'chat', 'goes 1', 'stays 1');
      await server.kill();
      goes.close();
      await eventually(() => two.sse.count() === 0, 'the disconnect on the server');
      await two.listen('/rooms/chat?user=comes');
      await expect(one.sse.presence('chat')).rejects.toMatchObject({ code: 'broker-unavailable' });
      await expect(one.sse.disconnect({ room: 'chat' })).rejects.toMatchObject({
        code: 'broker-unavailable',
      });
      await server.launch();
      for (const app of [one, two]) {
        await eventually(
          async () => (await membersIn(app, 'chat').catch(() => [])).join() === 'comes 1,stays 1',
          'the current members',
        );
      }
      expect(stays.isOpen).toBe(true);
    });

    it('misses no user between the subscription to changes and the read of the list', async () => {
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
        await eventually(
          () => [...users].toSorted().join() === '1,2,3',
          'every user, from the list or a change',
        );
      }
    });
  },
);
