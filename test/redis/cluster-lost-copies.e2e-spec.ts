import type { PartitionedBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { partitionTags } from '../../src/broker/redis/driver/cluster-slot.js';
import { gapsOf, listenFrom, receivedUntil, startTestApp, textsOf } from '../resume/test-app.js';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, within } from '../support/within.js';
import { RedisCluster } from './redis-cluster.js';
import { describeWithRedis, type RedisServer } from './redis-server.js';

const PARTITIONS = 4;
/** A slow machine takes long to start a server, and to see that it is there again. */
const RECOVERY_MS = 60_000;

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'an event in rooms of two masters of a Redis Cluster, one of which comes back empty, over %s',
  (driver) => {
    let cluster: RedisCluster;
    let running: RunningApp;
    /** The room whose master comes back empty, and one of another master. */
    let [lost, safe] = ['', ''];
    let master: RedisServer;

    beforeEach(async () => {
      cluster = await RedisCluster.start();
      const broker = redisBroker({
        url: cluster.url,
        cluster: true,
        driver,
        partitions: PARTITIONS,
        probeIntervalMs: 250,
        connectTimeoutMs: 5_000,
        publishTimeoutMs: 20_000,
        republishMs: false,
      }) as PartitionedBroker;
      running = await startTestApp({ broker });
      const owners = new Map<RedisServer, string>();
      const tags = partitionTags(PARTITIONS);
      for (let n = 0; owners.size < 2; n++) {
        const room = `room-${n}`;
        const owner = await cluster.ownerOf(tags[broker.partitionOf(room)] as string);
        if (!owners.has(owner)) owners.set(owner, room);
      }
      [lost, safe] = [...owners.values()] as [string, string];
      [master] = [...owners.keys()] as [RedisServer];
    }, RECOVERY_MS);
    afterEach(async () => {
      await running.close();
      await cluster.dispose();
    });

    /** Kills the master without its data, starts it again, and resolves when events reach its room again. */
    async function restartEmpty(): Promise<void> {
      await master.restart();
      await cluster.isWhole();
      await eventually(
        () =>
          running.sse.broadcast(lost, 'probe').then(
            () => true,
            () => false,
          ),
        'an event that the empty master accepts',
        RECOVERY_MS,
      );
    }

    const connect = (id?: string): Promise<EventStream> =>
      listenFrom(running, `/in?rooms=${lost},${safe}`, id);

    /** Fails unless the event came once, or a gap names its rooms. */
    function expectNotSilent(received: readonly ReceivedEvent[]): void {
      const copies = textsOf(received).filter((text) => text === 'both').length;
      const rooms = new Set(gapsOf(received).flatMap((gap) => gap.rooms));
      expect(copies).toBeLessThanOrEqual(1);
      expect({ copies, rooms: [...rooms] }).toMatchObject(
        copies === 1 ? {} : { rooms: expect.arrayContaining([lost, safe]) as string[] },
      );
      expect(rooms.has(lost)).toBe(true);
    }

    it(
      'is never lost in silence by a client that was away',
      async () => {
        const stream = await connect();
        await running.sse.broadcast(safe, 'live');
        const id = (await receivedUntil(stream, 'live')).at(-1)?.id;
        stream.close();
        await running.sse.broadcast([lost, safe], 'both');
        await restartEmpty();
        const again = await connect(id);
        await running.sse.broadcast(safe, 'end');
        const received = await within(receivedUntil(again, 'end'), 'the end', RECOVERY_MS);
        expectNotSilent(received);
        again.close();
        // No gap is left for a client that has received it and comes back.
        const last = received.at(-1)?.id;
        const third = await connect(last);
        await running.sse.broadcast(safe, 'end again');
        expect(textsOf(await receivedUntil(third, 'end again')).includes('both')).toBe(false);
      },
      2 * RECOVERY_MS,
    );

    it(
      'is never lost in silence by a connected client',
      async () => {
        const stream = await connect();
        await running.sse.broadcast(safe, 'live');
        await receivedUntil(stream, 'live');
        // The node sees nothing of the event in the first room, whose master is frozen and then comes back empty.
        const publishing = running.sse.broadcast([lost, safe], 'both').catch(() => {});
        await master.kill();
        await master.launch();
        await publishing;
        await restartEmpty();
        await running.sse.broadcast(safe, 'end');
        const received = await within(receivedUntil(stream, 'end'), 'the end', RECOVERY_MS);
        const copies = textsOf(received).filter((text) => text === 'both').length;
        expect(copies).toBeLessThanOrEqual(1);
        await eventually(
          () => gapsOf(stream.events).some(({ rooms }) => rooms.includes(lost)),
          'a gap of the room whose history is gone',
          RECOVERY_MS,
        );
      },
      2 * RECOVERY_MS,
    );
  },
);
