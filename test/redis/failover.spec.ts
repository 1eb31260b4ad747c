import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { eventually } from '../support/within.js';
import { judge } from './oracle.js';
import { BlackHoleProxy, describeWithRedis, RedisServer } from './redis-server.js';
import type { Verdict } from './verdict.js';

describeWithRedis('a replica that takes over without the last acknowledged events', () => {
  it.each<RedisDriverName>(['redis', 'ioredis'])(
    'is told to every client, over %s',
    async (driver) => {
      const { silentlyLost, announced, duplicates, disorder } = await run('gap', driver);
      expect({ silentlyLost, duplicates, disorder }).toEqual({ silentlyLost: 0, duplicates: 0, disorder: 0 });
      expect(announced).toBeGreaterThan(0);
    },
    120_000,
  );

  it('is not noticed where it is trusted, which the oracle sees', async () => {
    expect((await run('trust', 'ioredis')).silentlyLost).toBeGreaterThan(0);
  }, 120_000);
});

async function run(onFailover: 'gap' | 'trust', driver: RedisDriverName): Promise<Verdict> {
  const master = await RedisServer.start(['--repl-diskless-sync-delay', '0']);
  const replica = await RedisServer.start();
  await replica.command('REPLICAOF', '127.0.0.1', `${master.port}`);
  const isInSync = async (): Promise<boolean> =>
    (await replica.command('INFO', 'replication')).includes('master_link_status:up');
  await eventually(isInSync, 'the replica in sync', 30_000);
  const proxy = await BlackHoleProxy.start(master.port);
  try {
    return await judge({
      seed: 3,
      // What the nodes remember themselves would make good for what the replica lacks.
      maxBytes: 1,
      createBroker: () =>
        redisBroker({ url: proxy.url, driver, onFailover, connectTimeoutMs: 1_000, publishTimeoutMs: 800 }),
      fault: async (traffic) => {
        const away = await traffic.sendAway(8);
        // A replica is `up` before its master sends it what was written since its first copy.
        await eventually(async () => (await replica.command('DBSIZE')) !== ':0', 'the memory copied', 30_000);
        await replica.command('REPLICAOF', 'NO', 'ONE');
        // More than may have been on their way when the replica was cut off: these only the master has.
        await away.owed(10);
        proxy.target = replica.port;
        await master.kill();
        away.release();
      },
    });
  } finally {
    proxy.close();
    await master.dispose();
    await replica.dispose();
  }
}
