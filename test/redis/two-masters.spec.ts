import { jest } from '@jest/globals';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { LossAnnouncer } from '../../src/broker/redis/failover/loss-announcer.js';
import { runBrokerOracle } from '../oracle/broker-oracle.js';
import type { TrafficVerdict } from '../oracle/traffic.js';
import { EXACT_BETWEEN_GAPS } from '../oracle/verdict.js';
import { eventually } from '../support/within.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import { startReplica } from './replica.js';
import { splitMasters } from './two-masters.js';

describeWithRedis('while two masters accept events', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each<RedisDriverName>(['redis', 'ioredis'])(
    'every client that lost an event of the former master receives a gap after it, over %s',
    async (driver) => {
      const verdict = await run(driver);
      expect(verdict).toMatchObject(EXACT_BETWEEN_GAPS);
      expect(verdict.announcedLosses).toBeGreaterThan(0);
    },
    120_000,
  );

  it('the oracle finds silent losses of nodes that announce nothing', async () => {
    jest.spyOn(LossAnnouncer.prototype, 'check').mockResolvedValue();
    let silentLosses = 0;
    // A split of half a second does not lose an event of a client in each run.
    for (let runs = 0; runs < 5 && silentLosses === 0; runs++) {
      ({ silentLosses } = await run('ioredis'));
    }
    expect(silentLosses).toBeGreaterThan(0);
  }, 120_000);
});

async function run(driver: RedisDriverName): Promise<TrafficVerdict> {
  const redis = await RedisServer.start(['--repl-diskless-sync-delay', '0']);
  const replica = await startReplica(redis);
  const proxies = await Promise.all([0, 1, 2].map(() => BlackHoleProxy.start(redis.port)));
  try {
    return await runBrokerOracle({
      seed: 5,
      hasTwoMasters: true,
      createBroker: (node) =>
        redisBroker({ url: proxies[node]?.url, driver, connectTimeoutMs: 1_000, publishTimeoutMs: 800 }),
      fault: (traffic) =>
        splitMasters({
          redis,
          replica,
          proxies,
          split: async () => {
            const enough = traffic.publisher.count + 400;
            await eventually(() => traffic.publisher.count > enough, '400 events', 60_000);
          },
        }),
    });
  } finally {
    for (const proxy of proxies) proxy.close();
    await redis.dispose();
    await replica.dispose();
  }
}
