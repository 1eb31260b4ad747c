import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseRefusal } from '../support/refusal.js';
import { within } from '../support/within.js';
import { SessionPage, sessionApp } from './session-app.js';

describeWithRedis.each<[RedisDriverName, number]>([
  ['redis', 1],
  ['ioredis', 1],
  ['ioredis', 4],
])('a session on two nodes, over %s, with partitions: %d', (driver, partitions) => {
  let server: RedisServer;
  let one: RunningApp;
  let two: RunningApp;

  const revoked = new Set<string>();

  beforeEach(async () => {
    revoked.clear();
    revoked.add('never');
    server = await RedisServer.start();
    const module = () =>
      sessionApp({
        authorizeRoom: (_client, room) => !revoked.has(room),
        broker: redisBroker({ url: server.url, driver, partitions, publishTimeoutMs: 20_000 }),
      });
    one = await express.start(module());
    two = await fastify.start(module());
  });
  afterEach(async () => {
    await one.close();
    await two.close();
    await server.dispose();
  });

  it('is restored at the other node, and each event comes once and in order', async () => {
    const rooms = Array.from({ length: 8 }, (_, n) => `chat/${n}`);
    const page = new SessionPage({ user: 'ann' });
    const first = await page.connect(one);
    for (const room of rooms) await two.sse.broadcast(room, 'before the join');
    // From another node, as the POST of a page arrives there.
    for (const room of rooms) expect(await two.sse.join({ user: 'ann' }, room)).toBe(1);
    const atFirst: string[] = [];
    for (const room of rooms) {
      await two.sse.broadcast(room, room);
      atFirst.push((await page.next()).data);
    }
    expect(atFirst).toEqual(rooms);
    await page.cut(first);
    for (const room of rooms) await one.sse.broadcast(room, `${room} while away`);

    await page.connect(two);
    expect(page.ready.resumed).toBe('full');
    expect(page.ready.restored?.toSorted()).toEqual(rooms);
    expect(await page.untilNow(one)).toEqual(rooms.map((room) => `${room} while away`));
  });

  it('is resumed from the joins on, with an id from before them and without an id', async () => {
    const page = new SessionPage();
    const first = await page.connect(one);
    const firstId = page.lastEventId;
    for (const room of ['a', 'b', 'c']) {
      await two.sse.broadcast(room, 'before the join');
      await first.join(room);
      await two.sse.broadcast(room, `${room} after`);
    }
    await page.cut(first);
    page.lastEventId = firstId;
    const second = await page.connect(two);
    expect(await page.untilNow(one)).toEqual(['a after', 'b after', 'c after']);
    await page.cut(second);
    page.lastEventId = undefined;
    await page.connect(one);
    expect(await page.untilNow(two)).toEqual(['a after', 'b after', 'c after']);
  });

  it('is joined and left from another node between two connections, and a revoked user does not get the room back', async () => {
    const page = new SessionPage({ user: 'ann' });
    const { key: session } = page;
    const first = await page.connect(one);
    await page.untilNow(two);
    for (const room of ['a', 'b', 'c']) expect(await two.sse.join({ session }, room)).toBe(1);
    await page.cut(first);
    for (const room of ['a', 'b', 'c', 'd', 'e']) await one.sse.broadcast(room, `${room} while away`);
    expect(await two.sse.leave({ session }, 'a')).toBe(1);
    expect(await two.sse.leave({ user: 'ann' }, 'b')).toBe(0);
    expect(await two.sse.join({ session }, 'd')).toBe(1);
    expect(await one.sse.join({ user: 'ann' }, 'e')).toBe(0);
    for (const room of ['a', 'b', 'c', 'd', 'e']) await one.sse.broadcast(room, `${room} at last`);

    await page.connect(two);
    expect(page.ready.restored?.toSorted()).toEqual(['c', 'd', 'e']);
    expect(await page.untilNow(one)).toEqual(['c while away', 'c at last', 'd at last', 'e at last']);
  });

  it('is asked for its rooms at every node: a join is refused, and reauthorize takes streams out', async () => {
    const ann = new SessionPage({ user: 'ann' });
    const client = await ann.connect(one);
    const refused = await sseRefusal(() => two.sse.join({ session: ann.key }, 'never'));
    expect(refused.code).toBe('room-forbidden');
    expect(await two.sse.join({ user: 'ann' }, 'until-revoked')).toBe(1);
    revoked.add('until-revoked');
    expect(await two.sse.reauthorize({ user: 'ann' })).toBe(1);
    expect(client.in('until-revoked')).toBe(false);
    await ann.cut(client);
    await ann.connect(two);
    expect(ann.ready.restored).toEqual([]);
  });

  it('is taken by the newest stream: the one at the other node ends', async () => {
    const old = new SessionPage();
    const client = await old.connect(one);
    await client.join('chat');
    const page = new SessionPage({ key: old.key });
    await page.connect(two);
    expect(await within(client.closed, 'the end of the older stream')).toBe('session-taken');
    expect(page.ready.restored).toEqual(['chat']);
  });

  it('that Redis has lost is announced to the page, and one that is open is stored again', async () => {
    const page = new SessionPage();
    const first = await page.connect(one);
    await first.join('chat');
    const open = new SessionPage();
    const kept = await open.connect(one);
    await kept.join('a');
    await page.cut(first);
    for (const { key } of [page, open]) {
      const remove = "return redis.call('DEL', unpack(redis.call('KEYS', ARGV[1])))";
      expect(await server.command('EVAL', remove, '0', `*:h:${key}`)).toBe(':1');
    }
    await kept.join('b');
    await open.cut(kept);
    await open.connect(two);
    expect(open.ready.restored?.toSorted()).toEqual(['a', 'b']);
    await page.connect(two);
    expect(page.ready).toMatchObject({ resumed: 'partial', restored: [] });
    expect(await page.untilNow(two)).toEqual(['gap {"rooms":[],"reason":"session"}']);
  });
});
