import { Cluster } from 'ioredis';
import type { PartitionedBroker, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { brokerContract } from 'nestjs-simple-sse/testing';
import { createCluster } from 'redis';
import { partitionTags, slotOf } from '../../src/broker/redis/driver/cluster-slot.js';
import { fastify } from '../support/platforms.js';
import { eventually, pause } from '../support/within.js';
import { chosenSeed, runOracle } from '../resume/oracle.js';
import { judge } from './oracle.js';
import { RedisCluster } from './redis-cluster.js';
import { describeWithRedis } from './redis-server.js';

const drivers: RedisDriverName[] = ['redis', 'ioredis'];
const QUICK = { connectTimeoutMs: 2_000, publishTimeoutMs: 2_000, probeIntervalMs: 250 };

function broker(options: RedisBrokerOptions): SseBroker & PartitionedBroker {
  return redisBroker({ ...QUICK, ...options }) as SseBroker & PartitionedBroker;
}

describeWithRedis('a Redis Cluster of three masters', () => {
  const seed = chosenSeed();
  const names = new Set<string>();
  let cluster: RedisCluster;

  beforeAll(async () => {
    cluster = await RedisCluster.start();
  }, 60_000);
  afterAll(() => cluster.dispose());

  /** A memory of its own for each test. */
  const prefix = (): string => {
    const name = `t${names.size}`;
    names.add(name);
    return name;
  };
  describe.each(drivers)('over %s', (driver) => {
    const cases = brokerContract({
      name: 'in one slot',
      shared: true,
      createFixture: () => {
        const own = prefix();
        return { createBroker: () => broker({ url: cluster.url, cluster: true, driver, prefix: own }) };
      },
    });
    for (const { name, run } of cases) it(name, run);

    it('loses nothing and tells no gap while the slot is moved from master to master, where that is trusted', async () => {
      const [own, tag] = [prefix(), partitionTags(3)[1] as string];
      const { silentlyLost, duplicates, disorder, gaps, delivered } = await judge({
        seed,
        durationMs: 3_000,
        createBroker: () =>
          broker({ url: cluster.url, cluster: true, driver, prefix: own, partitions: 3, onFailover: 'trust' })
            .partitions[1] as SseBroker,
        fault: async () => {
          for (let moves = 0; moves < 3; moves++) {
            await pause(400);
            await cluster.move(tag);
          }
        },
      });
      expect({ silentlyLost, duplicates, disorder, gaps }).toEqual({
        silentlyLost: 0,
        duplicates: 0,
        disorder: 0,
        gaps: 0,
      });
      expect(delivered).toBeGreaterThan(100);
    }, 90_000);
  });

  it('brings pages exactly what they missed, over several partitions, while slots are moved', async () => {
    const own = prefix();
    const tags = partitionTags(4);
    const over = new AbortController();
    const made = broker({
      url: cluster.url,
      cluster: true,
      prefix: own,
      partitions: 4,
      onFailover: 'trust',
      connectTimeoutMs: 30_000,
    });
    const moving = (async () => {
      // Not before the node knows its memory: it would begin with none, and tell of the true one as of a new one.
      await eventually(
        () => made.partitions.every(({ position }) => position > 0),
        'a node that is live',
        60_000,
      );
      for (let n = 0; !over.signal.aborted; n++) {
        await cluster.move(tags[n % tags.length] as string);
        await pause(200);
      }
    })();
    const figures = await runOracle({
      platform: fastify,
      seed,
      events: 3_000,
      pages: 30,
      options: {
        historyMaxEvents: 100_000,
        broker: made,
      },
    }).finally(() => over.abort());
    await moving;
    process.stdout.write(`cluster, 4 partitions: ${JSON.stringify(figures)}\n`);
    expect(figures).toMatchObject({ silentLosses: 0, duplicates: 0, disorder: 0, foreign: 0, gaps: 0 });
    expect(figures.resumes).toBeGreaterThan(10);
  }, 120_000);

  describe('is found from', () => {
    const clients: [name: string, options: () => RedisBrokerOptions][] = [
      ['a cluster client of ioredis', () => ({ client: new Cluster(cluster.ports, { lazyConnect: true }) })],
      [
        'a cluster client of node-redis',
        () => ({ client: createCluster({ rootNodes: cluster.urls.map((url) => ({ url })) }) }),
      ],
      ['a URL, over redis', () => ({ url: cluster.url, cluster: true, driver: 'redis' })],
      ['a URL, over ioredis', () => ({ url: cluster.url, cluster: true, driver: 'ioredis' })],
    ];

    it.each(clients)('%s', async (_, options) => {
      const own = prefix();
      const [one, two] = [1, 2].map(() => broker({ ...options(), prefix: own, partitions: 6 }));
      const heard: string[] = [];
      const policy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 100, maxAgeMs: 60_000 }) };
      const all = [...(one?.partitions ?? []), ...(two?.partitions ?? [])];
      await Promise.all(
        all.map((each) =>
          each.start(policy, {
            onMessage: ({ data }) => heard.push(data),
            onStateChange: () => {},
            onEpochChange: () => {},
            onGap: () => {},
          }),
        ),
      );
      const rooms = Array.from({ length: 12 }, (__, n) => `room ${n}`);
      const partitionOf = (room: string): number => (one as PartitionedBroker).partitionOf(room);
      expect(new Set(rooms.map(partitionOf)).size).toBeGreaterThan(3);
      for (const room of rooms) {
        await one?.partitions[partitionOf(room)]?.subscribe(room);
        await two?.partitions[partitionOf(room)]?.publish([room], { data: room, serialized: false }, {});
      }
      await eventually(() => heard.length === rooms.length, 'every event');
      expect(heard.toSorted()).toEqual(rooms.toSorted());
      await Promise.all(all.map((each) => each.close()));
    });
  });
});

describeWithRedis('a Redis Cluster in which a replica takes over', () => {
  it.each(drivers)(
    'loses nothing in silence, over %s',
    async (driver) => {
      const cluster = await RedisCluster.start();
      try {
        const tag = partitionTags(3)[2] as string;
        const { master, promote } = await cluster.replicate(tag);
        const { silentlyLost, duplicates, disorder, delivered, gaps } = await judge({
          seed: chosenSeed(),
          durationMs: 3_000,
          createBroker: () =>
            broker({ url: cluster.url, cluster: true, driver, partitions: 3 }).partitions[2] as SseBroker,
          fault: async () => {
            await pause(500);
            master.freeze();
            await promote();
            await pause(500);
            await master.kill();
          },
        });
        expect({ silentlyLost, duplicates, disorder }).toEqual({
          silentlyLost: 0,
          duplicates: 0,
          disorder: 0,
        });
        expect(delivered).toBeGreaterThan(100);
        expect(gaps).toBeGreaterThan(0);
      } finally {
        await cluster.dispose();
      }
    },
    90_000,
  );
});

describe('the partitions of a cluster', () => {
  it('are spread evenly over its slots, the same on every node', () => {
    for (const count of [2, 3, 5, 16, 64]) {
      const ranges = partitionTags(count).map((tag) => Math.floor((slotOf(tag) * count) / 16_384));
      expect(ranges).toEqual(Array.from({ length: count }, (_, index) => index));
    }
    // From the specification of Redis Cluster: the CRC of "123456789" is 0x31C3.
    expect(slotOf('123456789')).toBe(0x31_c3);
  });
});
