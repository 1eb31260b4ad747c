import type { PartitionedBroker, PresenceStore } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { partitionTags } from '../../../src/broker/redis/driver/cluster-slot.js';
import { PresenceStores } from '../../../src/presence/presence-stores.js';
import { seededRandom } from '../../../src/testing/seeded-random.js';
import { eventually, pause } from '../../support/within.js';
import { RecordingListener } from '../recording-listener.js';
import { RedisCluster } from '../redis-cluster.js';
import { describeWithRedis } from '../redis-server.js';

describeWithRedis('presence on a Redis Cluster of three masters', () => {
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
  }, 60_000);
  afterAll(() => cluster.dispose());

  it.each<RedisDriverName>(['redis', 'ioredis'])(
    'stays correct while slots are moved from master to master, over %s',
    async (driver) => {
      const partitions = 3;
      const options = { url: cluster.url, cluster: true, driver, prefix: driver, partitions } as const;
      const brokers = [1, 2].map(() => redisBroker({ ...options, onFailover: 'trust' }) as PartitionedBroker);
      const policy = { maxBytes: 1_000_000, limitsOf: () => false as const };
      await Promise.all(
        brokers
          .flatMap((broker) => broker.partitions)
          .map((broker) => broker.start(policy, new RecordingListener())),
      );
      const nodes = brokers.map((broker) => new PresenceStores(broker));
      for (const node of nodes) node.open();
      const rooms = Array.from({ length: 12 }, (_, n) => `room ${n}`);
      expect(new Set(rooms.map((room) => brokers[0]?.partitionOf(room))).size).toBe(partitions);

      const random = seededRandom(7);
      const truth = nodes.map(() => new Map<string, number>());
      for (let step = 0; step < 300; step++) {
        const [node, user, connections] = [step % 2, `user ${step % 5}`, Math.floor(random() * 4)];
        const room = rooms[Math.floor(random() * rooms.length)] as string;
        const presence = connections === 3 ? undefined : { connections, info: undefined };
        nodes[node]?.set(room, user, presence);
        if (presence === undefined) truth[node]?.delete(`${room} ${user}`);
        else truth[node]?.set(`${room} ${user}`, connections);
        if (step % 60 === 30)
          await cluster.move(partitionTags(partitions)[(step / 30) % partitions] as string);
        await pause(2);
      }
      for (const room of rooms) {
        const sum = new Map<string, number>();
        for (const [name, connections] of truth.flatMap((map) => [...map])) {
          if (name.startsWith(`${room} `)) sum.set(name, (sum.get(name) ?? 0) + connections);
        }
        const expected = Array.from(sum, ([name, connections]) => `${name} ${connections}`).toSorted();
        const store = nodes[0]?.of(room) as PresenceStore;
        await eventually(
          async () => {
            const found = await store.members(room).catch(() => []);
            return (
              found
                .map(({ user, connections }) => `${room} ${user} ${connections}`)
                .toSorted()
                .join() === expected.join()
            );
          },
          `${expected.join()} in ${room}`,
          20_000,
        );
      }
      for (const node of nodes) await node.close(0);
      await Promise.all(brokers.flatMap((broker) => broker.partitions).map((broker) => broker.close()));
    },
    90_000,
  );
});
