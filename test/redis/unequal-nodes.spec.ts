import type { HistoryPolicy, RoomHistoryLimits, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { assertCompletenessClaim, type Published } from '../../src/testing/completeness-check.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { eventually, pause } from '../support/within.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const DAY_MS = 86_400_000;

function history(maxAgeMs: number | false, maxEvents = 1_000): HistoryPolicy {
  const limits = maxAgeMs !== false && { maxEvents, maxAgeMs };
  return { maxBytes: 2 ** 26, limitsOf: (): RoomHistoryLimits | false => limits };
}

async function publish(broker: SseBroker, text: string, ...rooms: string[]): Promise<number> {
  const receipt = await broker.publish(rooms, { data: text, serialized: false }, {});
  return receipt.position;
}

async function positionOf(broker: SseBroker): Promise<number> {
  return (await broker.read([], undefined)).position;
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'nodes that differ in history options, over %s',
  (driver) => {
    const open: SseBroker[] = [];
    let server: RedisServer;
    let prefixes = 0;

    beforeAll(async () => {
      server = await RedisServer.start();
    });
    beforeEach(() => prefixes++);
    afterEach(() => Promise.all(open.splice(0).map((broker) => broker.close())));
    afterAll(() => server.dispose());

    const start = async (policy: HistoryPolicy, listener = new RecordingListener()): Promise<SseBroker> => {
      const broker = redisBroker({ url: server.url, driver, prefix: `unequal-${prefixes}` });
      open.push(broker);
      await broker.start(policy, listener);
      return broker;
    };
    const keyOf = (kind: string, room: string): string => `unequal-${prefixes}:{0}:${kind}:${room}`;
    const exists = (kind: string, room: string): Promise<string> =>
      server.command('EXISTS', keyOf(kind, room));

    it('report a gap for an event whose publisher keeps history for a shorter time', async () => {
      const web = await start(history(DAY_MS));
      const worker = await start(history(50));
      const before = await positionOf(web);
      await publish(worker, 'short', 'a');
      await eventually(async () => (await exists('s', 'a')) === ':0', 'the end of the stream');
      // Longer than the worker itself would keep the last position: twice its age, and a second.
      await pause(1_300);
      expect(await web.read(['a'], before)).toMatchObject({ messages: [], incompleteRooms: ['a'] });
      // A later event names the forgotten one as its previous event.
      await publish(web, 'later', 'a');
      const page = await web.read(['a'], before);
      expect([page.messages.map(({ data }) => data), page.incompleteRooms]).toEqual([['later'], ['a']]);
    });

    it('report a gap for events from before the node with the longer history, and none afterwards', async () => {
      const worker = await start(history(50));
      const before = await positionOf(worker);
      await publish(worker, 'short', 'a');
      await eventually(async () => (await exists('l', 'a')) === ':0', 'the end of the last position');
      const web = await start(history(DAY_MS));
      expect((await web.read(['a', 'b'], before)).incompleteRooms).toEqual(['a', 'b']);
      const since = await positionOf(web);
      expect((await web.read(['a', 'b'], since)).incompleteRooms).toEqual([]);
      await publish(web, 'first', 'a');
      // Nothing is known of room `a` before that; the event names the bound of what may be forgotten.
      expect((await web.read(['a'], before)).incompleteRooms).toEqual(['a']);
      expect(await web.read(['a'], since)).toMatchObject({
        messages: [{ data: 'first' }],
        incompleteRooms: [],
      });
    });

    it('report a gap for an event that was published without history, also before the first stored one', async () => {
      const listener = new RecordingListener();
      const web = await start(history(DAY_MS));
      const other = await start(history(DAY_MS), listener);
      const worker = await start(history(false));
      await other.subscribe('a');
      const before = await positionOf(web);
      expect(await publish(worker, 'unstored', 'a')).toBe(0);
      await eventually(() => listener.texts.includes('unstored'), 'the live event');
      expect((await web.read(['a', 'b'], before)).incompleteRooms).toEqual(['a']);
      await publish(web, 'stored', 'a');
      await eventually(() => listener.texts.includes('stored'), 'the live event');
      for (const node of [web, other]) {
        const page = await node.read(['a'], before);
        expect([page.messages.map(({ data }) => data), page.incompleteRooms]).toEqual([['stored'], ['a']]);
        const { position } = page;
        expect((await node.read(['a'], position)).incompleteRooms).toEqual([]);
      }
      // Clients that are connected have received it: to them it is no gap.
      expect(listener.gaps).toEqual([]);
    });

    it('answer no resume from recent events of a room with an unstored event', async () => {
      const listener = new RecordingListener();
      const web = await start(history(DAY_MS), listener);
      const worker = await start(history(false));
      await web.subscribe('a');
      await publish(web, 'one', 'a');
      const before = await publish(web, 'two', 'a');
      await eventually(() => listener.texts.includes('two'), 'the live event');
      expect((await web.read(['a'], before)).incompleteRooms).toEqual([]);
      await publish(worker, 'unstored', 'a');
      await eventually(() => listener.texts.includes('unstored'), 'the live event');
      expect((await web.read(['a'], before)).incompleteRooms).toEqual(['a']);
      const stored = await publish(web, 'three', 'a');
      await eventually(() => listener.texts.includes('three'), 'the live event');
      expect((await web.read(['a'], before)).incompleteRooms).toEqual(['a']);
      expect((await web.read(['a'], stored)).incompleteRooms).toEqual([]);
      expect(listener.gaps).toEqual([]);
    });

    it('report a gap for the rooms of an event that only some of its rooms store', async () => {
      const web = await start(history(DAY_MS));
      const worker = await start({
        maxBytes: 2 ** 26,
        limitsOf: (room) => room === 'stored' && { maxEvents: 10, maxAgeMs: DAY_MS },
      });
      const before = await positionOf(web);
      await publish(worker, 'both', 'unstored', 'stored');
      const page = await web.read(['stored', 'unstored'], before);
      expect([page.messages.map(({ data }) => data), page.incompleteRooms]).toEqual([['both'], ['unstored']]);
    });

    it('report no gap for volatile events, which no node stores', async () => {
      const web = await start(history(DAY_MS));
      const before = await positionOf(web);
      await web.publish(['a'], { data: 'tick', serialized: false }, { volatile: true });
      expect((await web.read(['a'], before)).incompleteRooms).toEqual([]);
    });

    it('write no record of unstored events where no node has history', async () => {
      const worker = await start(history(false));
      await publish(worker, 'unstored', 'a');
      expect(await exists('i', 'a')).toBe(':0');
    });

    it('cause no gap when a node with the same options starts, or with shorter ones', async () => {
      const web = await start(history(DAY_MS));
      const before = await positionOf(web);
      await start(history(DAY_MS));
      const worker = await start(history(1_000));
      await worker.read(['a'], before);
      expect((await web.read(['a', 'b'], before)).incompleteRooms).toEqual([]);
    });

    it('never report a room as complete that lacks an event', async () => {
      const random = seededRandom(prefixes);
      const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
      const ages = [false, 20, 60, 200, DAY_MS] as const;
      const rooms = ['a', 'b', 'c'];
      const readers = [await start(history(DAY_MS)), await start(history(60, 3))];
      const nodes = [...readers, await start(history(false))];
      for (const node of readers) await node.subscribe('a');
      let completeRooms = 0;
      const published: Published[] = [];
      const starts: number[] = [];
      for (let step = 0; step < 150; step++) {
        if (step % 25 === 24) {
          const age = pick(ages);
          const node = await start(history(age));
          nodes.push(node);
          // A node without history says nothing about a room.
          if (age !== false) readers.push(node);
        }
        // The position before an event without an id is below its own, so a client there must receive a gap.
        const before = await positionOf(pick(nodes));
        starts.push(before);
        const to = random() < 0.2 ? ['a', 'b'] : [pick(rooms)];
        const position = await publish(pick(nodes), `${step}`, ...to);
        published.push({ rooms: to, text: `${step}`, position: position || before + 1 });
        if (random() < 0.3) await pause(random() * 30);
        for (const reader of readers) {
          const after = pick(starts);
          const page = await reader.read(rooms, after);
          assertCompletenessClaim(page, rooms, after, published);
          completeRooms += rooms.length - page.incompleteRooms.length;
        }
      }
      expect(completeRooms).toBeGreaterThan(50);
    }, 120_000);
  },
);

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'a Redis that evicts keys, over %s',
  (driver) => {
    it.each(['volatile-lru', 'volatile-ttl', 'allkeys-lru'])(
      'with %s loses no event of 40 rooms without a gap',
      async (policy) => {
        const server = await RedisServer.start();
        const web = redisBroker({ url: server.url, driver });
        const worker = redisBroker({ url: server.url, driver });
        try {
          const rooms = Array.from({ length: 40 }, (_, index) => `user/${index}`);
          // The setting is changed at run time, after the check of a new connection.
          for (const broker of [web, worker]) await broker.start(history(DAY_MS), new RecordingListener());
          await server.command('CONFIG', 'SET', 'maxmemory-policy', policy);
          const used = /used_memory:(\d+)/.exec(await server.command('INFO', 'memory'))?.[1];
          await server.command('CONFIG', 'SET', 'maxmemory', `${Number(used) + 2_000_000}`);
          await pause(1_100);
          const { epoch, position: before } = await web.read([], undefined);
          const published: Published[] = [];
          for (const room of rooms) {
            const { position } = await worker.publish([room], { data: room, serialized: false }, {});
            published.push({ rooms: [room], text: room, position });
          }
          for (let n = 0; n < 400; n++) {
            const data = 'x'.repeat(20_000);
            await worker.publish([`filler/${n}`], { data, serialized: false }, {}).catch(() => {});
          }
          const evicted = /evicted_keys:(\d+)/.exec(await server.command('INFO', 'stats'))?.[1];
          expect(Number(evicted)).toBeGreaterThan(0);
          // Later events of the rooms hide the lost ones, unless they name a bound of what may be lost.
          for (const room of rooms.slice(20)) {
            const { position } = await worker.publish([room], { data: `${room} 2`, serialized: false }, {});
            published.push({ rooms: [room], text: `${room} 2`, position });
          }
          const page = await web.read(rooms, before);
          if (page.epoch === epoch) assertCompletenessClaim(page, rooms, before, published);
          else expect(policy).toBe('allkeys-lru');
        } finally {
          await Promise.all([web.close(), worker.close()]);
          await server.dispose();
        }
      },
      60_000,
    );
  },
);
