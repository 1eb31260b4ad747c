import { Redis } from 'ioredis';
import type { RunChange, RunLease, RunPage, RunRead, RunStore, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { asPartitioned } from '../../src/broker/partitioned-broker.interface.js';
import { eventually } from '../support/within.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import { startReplica, waitForCopy } from './replica.js';

const BOUNDS = { leaseMs: 60_000, keepMs: 60_000, maxEntries: 10_000, maxBytes: 2 ** 23, restart: false };
const LEASE: RunLease = { run: 'r', epoch: 'a'.repeat(16) };
const POLICY = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 100, maxAgeMs: 60_000 }) };
const READ: RunRead = { run: 'r', after: 0, epoch: LEASE.epoch, maxBytes: 2 ** 20, follows: false };

const started: SseBroker[] = [];

/** Starts a node. @returns its stores of runs, one for each partition */
async function node(options: RedisBrokerOptions): Promise<[RunStore, ...RunStore[]]> {
  const { partitions } = asPartitioned(
    redisBroker({ connectTimeoutMs: 2_000, publishTimeoutMs: 5_000, ...options }),
  );
  for (const broker of partitions) {
    started.push(broker);
    await broker.start(POLICY, new RecordingListener());
  }
  return partitions.map(({ runs }) => runs as RunStore) as [RunStore, ...RunStore[]];
}

afterEach(async () => {
  for (const broker of started.splice(0)) await broker.close();
});

function stateOf(page: RunPage | undefined): string {
  return page === undefined ? 'none' : [page.record.state, page.record.reason, ...page.entries].join(' ');
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'runs of a Redis that loses data, over %s',
  (driver) => {
    it('fail with the reason "lost" where a replica without their newest entries takes over, and are repeated where only the reply was lost', async () => {
      const master = await RedisServer.start(['--repl-diskless-sync-delay', '0']);
      const replica = await startReplica(master);
      const proxy = await BlackHoleProxy.start(master.port);
      try {
        const [runs] = await node({ url: proxy.url, driver });
        const leases = ['appended', 'renewed', 'ended', 'repeated', 'whole'].map((run) => ({
          ...LEASE,
          run,
        }));
        const [appended, renewed, ended, repeated, whole] = leases as [
          RunLease,
          RunLease,
          RunLease,
          RunLease,
          RunLease,
        ];
        for (const lease of leases) {
          await runs.start({ ...BOUNDS, ...lease });
          await runs.append(lease, 0, ['1', '2']);
        }
        await waitForCopy(replica);
        await eventually(
          async () => (await replica.command('XLEN', 'sse:{0}:re:whole')) === ':2',
          'the copy',
        );
        await replica.command('REPLICAOF', 'NO', 'ONE');
        for (const lease of leases) if (lease !== whole) await runs.append(lease, 2, ['3']);
        proxy.target = replica.port;
        await master.kill();

        expect(await runs.append(repeated, 2, ['3'])).toMatchObject({ accepted: true, entries: 3 });
        expect(await runs.append(whole, 2, ['3'])).toMatchObject({ accepted: true, entries: 3 });
        expect(await runs.append(appended, 3, ['4'])).toMatchObject({ accepted: false, entries: 2 });
        expect(await runs.renew(renewed)).toMatchObject({ accepted: false, entries: 2 });
        expect(await runs.end(ended, 'done')).toMatchObject({ state: 'failed', reason: 'lost', entries: 2 });
        for (const { run } of [appended, renewed, ended])
          expect(stateOf(await runs.read({ ...READ, run }))).toBe('failed lost 1 2');
        for (const { run } of [repeated, whole])
          expect(stateOf(await runs.read({ ...READ, run }))).toBe('running  1 2 3');
      } finally {
        proxy.close();
        await master.dispose();
        await replica.dispose();
      }
    }, 60_000);

    it('are gone after FLUSHALL: nothing is accepted, and followers are notified', async () => {
      const server = await RedisServer.start();
      try {
        const [[producer], [follower]] = [
          await node({ url: server.url, driver }),
          await node({ url: server.url, driver }),
        ];
        const changes: RunChange[] = [];
        follower.onChange('r', (change) => changes.push(change));
        await producer.start({ ...BOUNDS, ...LEASE });
        await producer.append(LEASE, 0, ['1']);
        await eventually(() => changes.length > 0, 'a subscription');
        await server.command('FLUSHALL');
        changes.length = 0;
        expect(await producer.append(LEASE, 1, ['2'])).toMatchObject({ accepted: false, entries: 0 });
        await eventually(() => changes.includes('end'), 'the call of the listener');
        expect(await follower.read({ ...READ, after: 1, follows: true })).toBeUndefined();
        expect(await producer.end(LEASE, 'done')).toBeUndefined();
        expect(await producer.requestStop('r')).toBeUndefined();
      } finally {
        await server.dispose();
      }
    }, 30_000);
  },
);

describeWithRedis('runs in Redis', () => {
  let server: RedisServer;
  let redis: Redis;
  const prefixes = new Set<string>();
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.port);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.dispose();
  });

  /** Starts a node with a prefix of its own. */
  const ownNode = async (
    options: RedisBrokerOptions = {},
  ): Promise<{ prefix: string; runs: RunStore; all: RunStore[] }> => {
    const prefix = `p${prefixes.size}`;
    prefixes.add(prefix);
    const all = await node({ url: server.url, prefix, ...options });
    return { prefix, runs: all[0], all };
  };

  /** Number of scripts that Redis has run. */
  const scripts = async (): Promise<number> =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);

  it('have keys that expire at the latest after the lease and keepMs, and keepMs after the end', async () => {
    const { prefix, runs } = await ownNode();
    const keys = [`${prefix}:{0}:r:r`, `${prefix}:{0}:re:r`];
    const left = async (): Promise<number[]> => Promise.all(keys.map((key) => redis.pttl(key)));
    await runs.start({ ...BOUNDS, ...LEASE, leaseMs: 100_000, keepMs: 50_000 });
    await runs.append(LEASE, 0, ['1']);
    for (const ms of await left()) expect(Math.abs(ms - 150_000)).toBeLessThan(20_000);
    await runs.end(LEASE, 'done');
    for (const ms of await left()) expect(Math.abs(ms - 50_000)).toBeLessThan(20_000);
    expect((await redis.keys(`${prefix}:*:r*`)).toSorted()).toEqual(keys.toSorted());
  });

  it('take one subscription of a node for each run that is followed, and none afterwards', async () => {
    const { prefix, runs } = await ownNode();
    const channels = async (): Promise<number> =>
      ((await redis.call('PUBSUB', 'SHARDCHANNELS', `${prefix}:{0}:r:*`)) as string[]).length;
    const ends = Array.from({ length: 3_000 }, (_, n) => runs.onChange(`run ${n % 1_500}`, () => {}));
    await eventually(async () => (await channels()) === 1_500, '1,500 subscriptions');
    for (const end of ends) end();
    await eventually(async () => (await channels()) === 0, 'no subscription');
    const again = Array.from({ length: 10 }, (_, n) => runs.onChange(`run ${n}`, () => {}));
    again[0]?.();
    await eventually(async () => (await channels()) === 9, '9 subscriptions');
  });

  it('are read once for many followers that ask for the same, and not at all for entries that the node was sent', async () => {
    const { runs } = await ownNode();
    await runs.start({ ...BOUNDS, ...LEASE });
    let calls = 0;
    for (let n = 0; n < 2_000; n++) runs.onChange('r', () => calls++);
    await eventually(async () => {
      const { entries } = await runs.renew(LEASE);
      await runs.append(LEASE, entries, ['x']);
      return calls > 0;
    }, 'the subscription');
    const { entries: before } = await runs.renew(LEASE);
    const scriptsBefore = await scripts();
    const all = Array.from({ length: 2_000 }, () => runs.read({ ...READ, follows: true }));
    for (const page of await Promise.all(all)) expect(page?.entries).toHaveLength(before);
    expect((await scripts()) - scriptsBefore).toBeLessThan(20);
    calls = 0;
    await runs.append(LEASE, before, ['newest']);
    await eventually(() => calls > 0, 'the call of the listeners');
    const read = { ...READ, after: before, follows: true };
    for (const page of await Promise.all(Array.from({ length: 2_000 }, () => runs.read(read))))
      expect(page?.entries).toEqual(['newest']);
    expect((await scripts()) - scriptsBefore).toBeLessThan(30);
  });

  it('are spread over three partitions by their names, all keys of a run in one slot', async () => {
    const { prefix, all } = await ownNode({ partitions: 3 });
    expect(all).toHaveLength(3);
    for (const [n, runs] of all.entries()) {
      const lease = { ...LEASE, run: `run ${n}` };
      await runs.start({ ...BOUNDS, ...lease });
      await runs.append(lease, 0, [`${n}`]);
      for (const other of all)
        expect((await other.read({ ...READ, run: lease.run }))?.entries).toEqual(
          other === runs ? [`${n}`] : undefined,
        );
    }
    const tags = (await redis.keys(`${prefix}*:r*`)).map((key) => /\{.*\}/.exec(key)?.[0]);
    expect(new Set(tags).size).toBe(3);
    expect(tags).toHaveLength(6);
  });

  it('survive what other programs write: a malformed hash is no run, and a malformed message no change', async () => {
    const { prefix, runs } = await ownNode();
    const key = `${prefix}:{0}:r:r`;
    for (const fields of [
      ['e', 'x'],
      ['o', '1 2 3 4'],
      ['o', 'x', 'n', 'y', 's', 'running'],
    ]) {
      await redis.del(key);
      await redis.hset(key, ...(fields as [string, string]));
      expect(await runs.read(READ)).toBeUndefined();
    }
    expect(await runs.start({ ...BOUNDS, ...LEASE })).toMatchObject({ state: 'running', epoch: LEASE.epoch });
    const changes: RunChange[] = [];
    runs.onChange('r', (change) => changes.push(change));
    await eventually(() => changes.length > 0, 'the subscription');
    const before = changes.length;
    for (const text of [
      'x',
      '[]',
      '{}',
      'null',
      '["entries",[1],1,[]]',
      '["entries",["e","lost","",1,2,3,4],1,[]]',
    ])
      await redis.spublish(key, text);
    await runs.requestStop('r');
    await eventually(() => changes.includes('stop'), 'a sound message');
    expect(changes.slice(before)).toEqual(['stop']);
    await redis.del(key);
    await redis.set(key, 'a string');
    await expect(runs.read(READ)).rejects.toMatchObject({ code: 'broker-unavailable' });
  });

  it('tell of entries that Redis has evicted or another program has deleted', async () => {
    const { prefix, runs } = await ownNode();
    await runs.start({ ...BOUNDS, ...LEASE });
    await runs.append(LEASE, 0, ['1', '2', '3', '4']);
    await redis.xtrim(`${prefix}:{0}:re:r`, 'MINID', '3');
    expect(await runs.read(READ)).toMatchObject({
      record: { entries: 4, firstKept: 3 },
      firstIndex: 3,
      entries: ['3', '4'],
    });
    await redis.del(`${prefix}:{0}:re:r`);
    expect(await runs.read(READ)).toMatchObject({ record: { entries: 4, firstKept: 5 }, entries: [] });
    await runs.append(LEASE, 4, ['5']);
    expect(await runs.read(READ)).toMatchObject({
      record: { entries: 5, firstKept: 5 },
      firstIndex: 5,
      entries: ['5'],
    });
  });

  it('refuse entries in a Redis without memory, and are read and asked to stop all the same', async () => {
    const own = await RedisServer.start(['--appendonly', 'no', '--maxmemory-policy', 'noeviction']);
    try {
      const [runs] = await node({ url: own.url });
      await runs.start({ ...BOUNDS, ...LEASE });
      await runs.append(LEASE, 0, ['1']);
      await own.command('CONFIG', 'SET', 'maxmemory', '1');
      await expect(runs.append(LEASE, 1, ['2'])).rejects.toMatchObject({ code: 'broker-unavailable' });
      expect(stateOf(await runs.read({ ...READ, follows: true }))).toBe('running  1');
      await own.command('CONFIG', 'SET', 'maxmemory', '0');
      expect(await runs.append(LEASE, 1, ['2'])).toMatchObject({ accepted: true, entries: 2 });
    } finally {
      await own.dispose();
    }
  });
});
