import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import type { HistoryPolicy, PartitionedBroker, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { partitionTags } from '../../src/broker/redis/driver/cluster-slot.js';
import { Sentinels as NodeSentinels } from '../../src/broker/redis/fencing/sentinels.js';
import { SlotClaims } from '../../src/broker/redis/fencing/slot-claims.js';
import { eventually, pause } from '../support/within.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { RecordingListener } from './recording-listener.js';
import { RedisCluster } from './redis-cluster.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import { SentinelSplit } from './sentinels.js';

const PROBE_MS = 200;
const TIMES = { probeIntervalMs: PROBE_MS, connectTimeoutMs: 4_000, publishTimeoutMs: 4_000 };
const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 1_000, maxAgeMs: 60_000 }) };

let broker: SseBroker;
let listener: RecordingListener;

/** Starts a broker with a subscription, and publishes an event through it. */
async function start(created: SseBroker): Promise<string> {
  broker = created;
  listener = new RecordingListener();
  await broker.start(policy, listener);
  await broker.subscribe('a');
  return publish();
}

/** Publishes an event. Resolves with the epoch, which differs between the two masters. */
async function publish(): Promise<string> {
  return (await broker.publish(['a'], { data: '1', serialized: false }, {})).epoch;
}

async function expectOtherMaster(former: string): Promise<void> {
  const isOther = async (): Promise<boolean> => (await publish().catch(() => former)) !== former;
  await eventually(isOther, 'an event on the new master', 60_000);
  await eventually(() => listener.states.at(-1) === 'live', 'live', 60_000);
}

/** Lets a node without the check pass several times the documented bound. */
async function expectSameMaster(former: string): Promise<void> {
  await pause(10 * PROBE_MS);
  expect(await publish()).toBe(former);
}

describeWithRedis('a node on a master that Sentinels have replaced and cannot reach', () => {
  let split: SentinelSplit;
  let replicaProxy: BlackHoleProxy;
  let stale: RedisServer | undefined;

  beforeEach(async () => {
    split = await SentinelSplit.start();
    replicaProxy = await BlackHoleProxy.start(split.replica.port);
  }, 120_000);
  afterEach(async () => {
    jest.restoreAllMocks();
    await broker.close();
    replicaProxy.close();
    await stale?.dispose();
    stale = undefined;
    await split.dispose();
  });

  const create = (ports = split.sentinels.ports): SseBroker => {
    const natMap = Object.fromEntries(
      split.announced.map(({ address, server }) => {
        const port = server === split.replica ? replicaProxy.port : server.port;
        return [address, { host: '127.0.0.1', port }];
      }),
    );
    const sentinels = ports.map((port) => ({ host: '127.0.0.1', port }));
    const client = new Redis({ sentinels, name: 'chaos', natMap, lazyConnect: true });
    return redisBroker({ client, ...TIMES });
  };

  it('leaves it, though its connection works, and goes on with the new one', async () => {
    const former = await start(create());
    await split.split();
    await expectOtherMaster(former);
  }, 120_000);

  it('rejects publishes with `broker-unavailable` where it cannot reach the new one', async () => {
    const former = await start(create());
    replicaProxy.holdNew();
    await split.split();
    await eventually(() => listener.states.at(-1) === 'down', 'down', 60_000);
    await expect(publish()).rejects.toMatchObject({ code: 'broker-unavailable' });
    replicaProxy.releaseNew();
    await expectOtherMaster(former);
  }, 120_000);

  it('finds the new one where the first Sentinel of its list still names the former one', async () => {
    await split.split();
    // It monitors the former master alone, and receives nothing of the other Sentinels.
    stale = await RedisServer.startSentinel([`sentinel monitor chaos 127.0.0.1 ${split.master.port} 1`]);
    const before = await split.master.command('DBSIZE');
    await start(create([stale.port, ...split.sentinels.ports]));
    await eventually(() => listener.states.at(-1) === 'live', 'live', 60_000);
    await publish();
    expect(await split.master.command('DBSIZE')).toBe(before);
    expect(await stale.command('INFO', 'sentinel')).toContain(`:${split.master.port},`);
  }, 120_000);

  it('would stay there without the check', async () => {
    jest.spyOn(NodeSentinels.prototype, 'confirm').mockResolvedValue();
    const former = await start(create());
    await split.split();
    await expectSameMaster(former);
  }, 120_000);
});

describeWithRedis('a node on a master of a Redis Cluster that the other nodes have replaced', () => {
  const tag = partitionTags(3)[1] as string;
  let cluster: RedisCluster;

  beforeEach(async () => {
    cluster = await RedisCluster.start();
  }, 120_000);
  afterEach(async () => {
    jest.restoreAllMocks();
    await broker.close();
    await cluster.dispose();
  });

  const create = (driver: RedisDriverName): SseBroker => {
    const options = { url: cluster.url, cluster: true, partitions: 3, driver, ...TIMES };
    return (redisBroker(options) as PartitionedBroker).partitions[1] as SseBroker;
  };

  it.each<RedisDriverName>(['redis', 'ioredis'])(
    'leaves it, though its connection works, and goes on with the new one, over %s',
    async (driver) => {
      const { split } = await cluster.replicate(tag);
      const former = await start(create(driver));
      await split();
      await expectOtherMaster(former);
    },
    120_000,
  );

  it('would stay there without the check, until the former master is a replica', async () => {
    jest.spyOn(SlotClaims.prototype, 'confirm').mockResolvedValue();
    const { split, heal } = await cluster.replicate(tag);
    const former = await start(create('ioredis'));
    await split();
    await expectSameMaster(former);
    await heal();
    await expectOtherMaster(former);
  }, 120_000);
});
