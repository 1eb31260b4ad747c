import { jest } from '@jest/globals';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { RoomReader } from '../../src/broker/redis/history/room-reader.js';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, pause, within } from '../support/within.js';
import { SessionPage, sessionApp } from './session-app.js';

/** Time for a fault to show, in milliseconds. A correct join is not judged by it. */
const FAULT_MS = 150;

// Called with its own `this`.
// oxlint-disable-next-line typescript/unbound-method
const { read } = RoomReader.prototype;

describeWithRedis.each<[RedisDriverName, number]>([
  ['redis', 1],
  ['ioredis', 3],
])('a node that lags behind Redis, over %s, with partitions: %d', (driver, partitions) => {
  let server: RedisServer;
  let lagging: RunningApp;
  let other: RunningApp;
  let readers: Set<RoomReader>;
  let release: () => void;

  beforeEach(async () => {
    readers = new Set();
    release = () => {};
    server = await RedisServer.start();
    const module = () => sessionApp({ broker: redisBroker({ url: server.url, driver, partitions }) });
    jest.spyOn(RoomReader.prototype, 'read').mockImplementation(function (this: RoomReader, ...args) {
      readers.add(this);
      return read.apply(this, args);
    });
    lagging = await express.start(module());
    jest.mocked(RoomReader.prototype).read.mockImplementation(read);
    other = await fastify.start(module());
  });
  afterEach(async () => {
    release();
    jest.restoreAllMocks();
    await lagging.close();
    await other.close();
    await server.dispose();
  });

  /** Cuts the subscribing connections of all nodes, and stops the node before it reads what it has missed. */
  async function lag(): Promise<void> {
    const released = new Promise<void>((resolve) => (release = resolve));
    let waiting = 0;
    jest.spyOn(RoomReader.prototype, 'read').mockImplementation(async function (
      this: RoomReader,
      rooms,
      after,
      newest,
      options,
    ) {
      if (readers.has(this) && options?.isUrgent === true) {
        waiting++;
        await released;
      }
      return read.call(this, rooms, after, newest, options);
    });
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually(() => waiting >= partitions, 'the reads of the node');
  }

  it.each(['join of a client', 'join from another node'])(
    'sends a session no event from before its %s, and each later one',
    async (way) => {
      const page = new SessionPage();
      const client = await page.connect(lagging);
      const rooms = ['a', 'b', 'c'];
      const join = async (room: string): Promise<unknown> =>
        way === 'join of a client'
          ? client.join(room)
          : other.sse.join({ session: page.key }, room, { timeoutMs: 30_000 });
      for (const room of rooms) await join(room);
      await lag();
      for (const room of rooms) await other.sse.leave({ session: page.key }, room, { timeoutMs: 30_000 });
      for (const room of rooms) await other.sse.broadcast(room, `${room} between`);
      const joining = Promise.all(rooms.map(join));
      await Promise.race([joining, pause(FAULT_MS)]);
      release();
      await within(joining, 'the joins');
      for (const room of rooms) await other.sse.broadcast(room, `${room} after`);
      for (const room of rooms) await other.sse.broadcast([room, 'news'], `${room} twice`);
      const received: string[] = [];
      for (const room of ['news', ...rooms]) received.push(...(await page.untilNow(other, room)));
      expect(received.toSorted()).toEqual(rooms.flatMap((room) => [`${room} after`, `${room} twice`]));
    },
  );

  it('restores a session without the events from before its join', async () => {
    const page = new SessionPage();
    const { key: session } = page;
    const first = await page.connect(other);
    // Another client keeps the room at the node.
    const kept = await new SessionPage().connect(lagging);
    await kept.join('a');
    await page.untilNow(other);
    await page.cut(first);
    await lag();
    await other.sse.broadcast('a', 'before');
    expect(await other.sse.join({ session }, 'a', { timeoutMs: 30_000 }).catch(() => 1)).toBe(1);
    await other.sse.broadcast('a', 'after');
    const connecting = page.connect(lagging);
    await Promise.race([connecting, pause(FAULT_MS)]);
    release();
    await within(connecting, 'sse:ready');
    expect(page.ready.restored).toEqual(['a']);
    expect([...(await page.untilNow(other, 'a')), ...(await page.untilNow(other))]).toEqual(['after']);
  });
});
