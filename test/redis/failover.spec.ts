import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { EXACT_ON_BROKER, runBrokerOracle } from '../oracle/broker-oracle.js';
import type { TrafficVerdict } from '../oracle/traffic.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import { startReplica, waitForCopy } from './replica.js';

describeWithRedis('when a replica that lacks acknowledged events takes over', () => {
  it.each<RedisDriverName>(['redis', 'ioredis'])(
    'every client that lost an event receives a gap, over %s',
    async (driver) => {
      const verdict = await run('gap', driver);
      expect(verdict).toMatchObject(EXACT_ON_BROKER);
      expect(verdict.announcedLosses).toBeGreaterThan(0);
    },
    120_000,
  );

  it("the oracle finds silent losses with onFailover: 'trust'", async () => {
    expect((await run('trust', 'ioredis')).silentLosses).toBeGreaterThan(0);
  }, 120_000);
});

async function run(onFailover: 'gap' | 'trust', driver: RedisDriverName): Promise<TrafficVerdict> {
  const master = await RedisServer.start(['--repl-diskless-sync-delay', '0']);
  const replica = await startReplica(master);
  const proxy = await BlackHoleProxy.start(master.port);
  try {
    return await runBrokerOracle({
      seed: 3,
      // The events that nodes retain themselves would replace those that the replica lacks.
      maxBytes: 1,
      createBroker: () =>
        redisBroker({ url: proxy.url, driver, onFailover, connectTimeoutMs: 1_000, publishTimeoutMs: 800 }),
      fault: async (traffic) => {
        const detached = await traffic.holdDetached(8);
        await waitForCopy(replica);
        await replica.command('REPLICAOF', 'NO', 'ONE');
        // More events than may have been in transit when the replica was cut off: only the master has these.
        await detached.published(10);
        proxy.target = replica.port;
        await master.kill();
        detached.release();
      },
    });
  } finally {
    proxy.close();
    await master.dispose();
    await replica.dispose();
  }
}
