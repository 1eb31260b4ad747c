import { Cluster } from 'ioredis';
import type { PartitionedBroker, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { brokerContract } from 'nestjs-simple-sse/testing';
import { createCluster } from 'redis';
import { partitionTags, slotOf } from '../../src/broker/redis/driver/cluster-slot.js';
import { EXACT_ON_BROKER, runBrokerOracle } from '../oracle/broker-oracle.js';
import { chosenSeed } from '../support/seeds.js';
import { runHttpOracle } from '../oracle/http-oracle.js';
import { EXACT_WITHOUT_GAPS } from '../oracle/verdict.js';
import { fastify } from '../support/platforms.js';
import { eventually, pause } from '../support/within.js';
import { RecordingListener } from './recording-listener.js';
import { RedisCluster } from './redis-cluster.js';
import { describeWithRedis } from './redis-server.js';

const drivers: RedisDriverName[] = ['redis', 'ioredis'];
const QUICK = { connectTimeoutMs: 2_000, publishTimeoutMs: 2_000, probeIntervalMs: 250 };
/** For slots that move: a slow machine takes long to move one, and its keys can be read only then. */
const PATIENT = { connectTimeoutMs: 30_000, publishTimeoutMs: 30_000 };

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

  /** Returns an unused key prefix, so that each test has its own history. */
  const newPrefix = (): string => {
    const name = `t${names.size}`;
    names.add(name);
    return name;
  };
  describe.each(drivers)('over %s', (driver) => {
    const cases = brokerContract({
      name: 'in one slot',
      shared: true,
      createFixture: () => {
        const prefix = newPrefix();
        // 2,000 publishes at once take longer than the default on a slow machine.
        const publishTimeoutMs = 20_000;
        return {
          createBroker: () => broker({ url: cluster.url, cluster: true, driver, prefix, publishTimeoutMs }),
        };
      },
    });
    for (const { name, run } of cases) it(name, run);

    it.each(['trust', 'gap'] as const)(
      'loses nothing and reports no gap while its slot is moved from master to master, with onFailover: %s',
      async (onFailover) => {
        const [prefix, tag] = [newPrefix(), partitionTags(3)[1] as string];
        const verdict = await runBrokerOracle({
          seed,
          durationMs: 3_000,
          createBroker: () =>
            broker({ url: cluster.url, cluster: true, driver, prefix, partitions: 3, onFailover, ...PATIENT })
              .partitions[1] as SseBroker,
          fault: async () => {
            for (let moves = 0; moves < 3; moves++) {
              await pause(400);
              await cluster.move(tag);
            }
          },
        });
        expect(verdict).toMatchObject(EXACT_WITHOUT_GAPS);
        expect(verdict.deliveries).toBeGreaterThan(100);
      },
      90_000,
    );
  });

  it('replays to clients exactly the events that they missed, over several partitions, while slots are moved', async () => {
    const prefix = newPrefix();
    const tags = partitionTags(4);
    const over = new AbortController();
    const partitioned = broker({
      url: cluster.url,
      cluster: true,
      prefix,
      partitions: 4,
      onFailover: 'trust',
      ...PATIENT,
    });
    const moving = (async () => {
      // A node that has not read the epoch of Redis yet would report it as a new one.
      await eventually(
        () => partitioned.partitions.every(({ position }) => position > 0),
        'a live node',
        60_000,
      );
      for (let n = 0; !over.signal.aborted; n++) {
        await cluster.move(tags[n % tags.length] as string);
        await pause(200);
      }
    })();
    const verdict = await runHttpOracle({
      platform: fastify,
      seed,
      events: 3_000,
      clients: 30,
      options: {
        historyMaxEvents: 100_000,
        broker: partitioned,
      },
    }).finally(() => over.abort());
    await moving;
    process.stdout.write(`cluster, 4 partitions: ${JSON.stringify(verdict)}\n`);
    expect(verdict).toMatchObject(EXACT_WITHOUT_GAPS);
    expect(verdict.resumes).toBeGreaterThan(10);
  }, 120_000);

  describe('is discovered from', () => {
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
      const prefix = newPrefix();
      const [one, two] = [1, 2].map(() => broker({ ...options(), prefix, partitions: 6 }));
      const listener = new RecordingListener();
      const policy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 100, maxAgeMs: 60_000 }) };
      const all = [...(one?.partitions ?? []), ...(two?.partitions ?? [])];
      await Promise.all(all.map((each) => each.start(policy, listener)));
      const rooms = Array.from({ length: 12 }, (__, n) => `room ${n}`);
      const partitionOf = (room: string): number => (one as PartitionedBroker).partitionOf(room);
      expect(new Set(rooms.map(partitionOf)).size).toBeGreaterThan(3);
      for (const room of rooms) {
        await one?.partitions[partitionOf(room)]?.subscribe(room);
        await two?.partitions[partitionOf(room)]?.publish([room], { data: room, serialized: false }, {});
      }
      await eventually(() => listener.texts.length === rooms.length, 'every event');
      expect(listener.texts.toSorted()).toEqual(rooms.toSorted());
      await Promise.all(all.map((each) => each.close()));
    });
  });
});

describeWithRedis('a broker on a Redis Cluster in which a replica takes over', () => {
  it.each(drivers)(
    'loses nothing silently, over %s',
    async (driver) => {
      const cluster = await RedisCluster.start();
      try {
        const tag = partitionTags(3)[2] as string;
        const { master, promote } = await cluster.replicate(tag);
        const verdict = await runBrokerOracle({
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
        expect(verdict).toMatchObject(EXACT_ON_BROKER);
        expect(verdict.deliveries).toBeGreaterThan(100);
        expect(verdict.gaps).toBeGreaterThan(0);
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
