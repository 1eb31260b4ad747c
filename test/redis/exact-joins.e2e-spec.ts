import { jest } from '@jest/globals';
import * as fc from 'fast-check';
import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { PresenceController } from '../presence/presence-app.js';
import { RoomHub } from '../../src/rooms/room-hub.js';
import { chosenSeed } from '../support/seeds.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, pause } from '../support/within.js';
import { CommandNodes, openReady, received } from './command-nodes.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** Time that a subscription takes in these tests, in milliseconds: longer than an answer and an event take. */
const SUBSCRIPTION_MS = 60;

// Called with its own `this`.
// oxlint-disable-next-line typescript/unbound-method
const { subscribe } = RedisBroker.prototype;

/** Delays each subscription of rooms. @param isAwaited `false`: the node believes to be subscribed at once */
function subscribeSlowly(isAwaited: boolean): void {
  jest.spyOn(RedisBroker.prototype, 'subscribe').mockImplementation(async function (this: RedisBroker, room) {
    const subscribed = pause(SUBSCRIPTION_MS).then(() => subscribe.call(this, room));
    if (isAwaited) return subscribed;
    subscribed.catch(() => {});
  });
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'a join from another node, over %s, once it has settled',
  (driver) => {
    let server: RedisServer;
    let nodes: CommandNodes;
    let asking: RunningApp;
    let serving: RunningApp;
    let publishing: RunningApp;
    let rooms = 0;
    const seed = chosenSeed();

    beforeEach(async () => {
      server = await RedisServer.start();
      nodes = new CommandNodes();
      const options = { url: server.url, driver };
      asking = await nodes.start(options);
      serving = await nodes.start(options);
      publishing = await nodes.start(options);
    });
    afterEach(async () => {
      jest.restoreAllMocks();
      await nodes.close();
      await server.dispose();
    });

    /** Publishes to a room from two nodes as soon as the join has settled. @returns the texts that were lost */
    async function lostAfterJoin({ isAwaited }: { isAwaited: boolean }): Promise<string[]> {
      const stream = await openReady(serving, '/rooms/a?user=7');
      subscribeSlowly(isAwaited);
      const missing: string[] = [];
      for (const room of ['one', 'two', 'fast-three']) {
        expect(await asking.sse.join({ user: 7 }, room)).toBe(1);
        await Promise.all([
          asking.sse.broadcast(room, 'x', `${room} from the asking node`),
          publishing.sse.broadcast(room, 'x', `${room} from a third node`),
          publishing.sse.broadcast(room, 'y', `${room} volatile`, { volatile: true }),
        ]);
      }
      await publishing.sse.broadcast('a', 'x', 'end');
      await eventually(() => received(stream).includes('end'), 'the last event');
      for (const room of ['one', 'two', 'fast-three'])
        for (const source of ['from the asking node', 'from a third node', 'volatile'])
          if (!received(stream).includes(`${room} ${source}`)) missing.push(`${room} ${source}`);
      return missing;
    }

    it('misses no event of any node, durable or volatile, however long the subscription takes', async () => {
      expect(await lostAfterJoin({ isAwaited: true })).toEqual([]);
    });

    it('misses events where it is answered before the node receives the room, which this test finds', async () => {
      expect((await lostAfterJoin({ isAwaited: false })).length).toBeGreaterThan(0);
    });

    /** Joins a stream that is not open yet, and publishes a volatile event once the join has settled. */
    async function receivedByOpening(): Promise<string[]> {
      subscribeSlowly(true);
      const opening = serving.open('/slow/a?user=7');
      const controller = serving.get(PresenceController);
      await eventually(() => controller.clients.length === 1, 'the request');
      const [client] = controller.clients;
      expect(await asking.sse.join(client?.id ?? '', 'new')).toBe(1);
      await publishing.sse.broadcast('new', 'x', 'volatile', { volatile: true });
      await pause(2 * SUBSCRIPTION_MS);
      controller.release();
      const stream = await opening;
      await publishing.sse.broadcast('new', 'x', 'end');
      await eventually(() => received(stream).includes('end'), 'the last event');
      return received(stream);
    }

    it('misses no event either where the stream was not open yet', async () => {
      expect(await receivedByOpening()).toEqual(['volatile', 'end']);
    });

    it('misses a volatile event where a stream that is not open is answered for at once, which this test finds', async () => {
      jest.spyOn(RoomHub.prototype, 'whenSubscribed').mockReturnValue(undefined);
      expect(await receivedByOpening()).toEqual(['end']);
    });

    it('misses no event, and receives none twice or out of order, whatever is joined, left and published meanwhile', async () => {
      const step = fc.record({
        join: fc.integer({ min: 0, max: 2 }),
        leaves: fc.boolean(),
        replay: fc.constantFrom(0, 0, 2),
        byId: fc.boolean(),
        before: fc.integer({ min: 0, max: 3 }),
        during: fc.integer({ min: 0, max: 3 }),
        volatile: fc.boolean(),
        alsoIn: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
          const prefix = `run${rooms++}`;
          const stream = await openReady(serving, `/rooms/${prefix}?user=${prefix}`);
          const id = [...serving.sse.clients(prefix)][0]?.id ?? '';
          const due: string[] = [];
          const order = new Map<string, number>();
          let count = 0;
          const publish = async (room: number, alsoIn?: number, volatile = false): Promise<string> => {
            const text = `${count++}`;
            const from = count % 2 === 0 ? asking : publishing;
            const names = [room, ...(alsoIn === undefined ? [] : [alsoIn])].map((n) => `${prefix}/${n}`);
            // For a stream that catches up, a volatile event replaces an older one of the same name and rooms.
            const position = await from.sse.broadcast(names, `x${text}`, text, { volatile });
            if (position !== undefined) order.set(text, parseInt(position.split('.').at(-1) ?? '', 36));
            return text;
          };
          for (const { join, leaves, replay, byId, before, during, volatile, alsoIn } of steps) {
            for (let n = 0; n < before; n++) await publish(join);
            const target = byId ? id : { user: prefix };
            const joining = asking.sse.join(target, `${prefix}/${join}`, { replay });
            const meanwhile = Promise.all(Array.from({ length: during }, () => publish(join)));
            expect(await joining).toBe(1);
            due.push(await publish(join, alsoIn), await publish(join, alsoIn, volatile));
            await meanwhile;
            due.push(await publish(join));
            // A stream that leaves a room while it catches up is sent no more of that room.
            if (leaves) await eventually(() => received(stream).includes(due.at(-1) ?? ''), 'what is due');
            if (leaves) expect(await asking.sse.leave(target, `${prefix}/${join}`)).toBe(1);
          }
          await publishing.sse.broadcast(prefix, 'x', 'end');
          await eventually(() => received(stream).includes('end'), 'the last event');
          const all = received(stream);
          expect(due.filter((text) => !all.includes(text))).toEqual([]);
          const live = stream.events.filter(({ id: position }) => position !== undefined);
          const liveTexts = live.map(({ data }) => data).filter((text) => order.has(text));
          expect(liveTexts).toEqual([...new Set(liveTexts)]);
          const positions = liveTexts.map((text) => order.get(text) ?? 0);
          expect(positions).toEqual(positions.toSorted((a, b) => a - b));
          stream.close();
        }),
        { seed, numRuns: 25 },
      );
    });
  },
);
