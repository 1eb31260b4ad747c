import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { eventually } from '../../support/within.js';
import { BlackHoleProxy } from '../black-hole-proxy.js';
import { describeWithRedis, RedisServer } from '../redis-server.js';
import { startReplica } from '../replica.js';
import { PresenceNode } from './presence-node.js';

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'presence after a failover, over %s',
  (driver) => {
    it('loses no join and keeps no member whose leave the promoted replica lacks', async () => {
      const master = await RedisServer.start(['--repl-diskless-sync-delay', '0']);
      const replica = await startReplica(master);
      const proxy = await BlackHoleProxy.start(master.port);
      const node = new PresenceNode({
        url: proxy.url,
        driver,
        publishTimeoutMs: 1_000,
        connectTimeoutMs: 5_000,
      });
      try {
        await node.start('a');
        node.setConnections('ann', 1);
        node.setConnections('bob', 1);
        await node.waitForMembers('ann 1', 'bob 1');
        const isCopied = async (): Promise<boolean> =>
          (await replica.command('HLEN', 'sse:{0}:pm:a')) === (await master.command('HLEN', 'sse:{0}:pm:a'));
        await eventually(isCopied, 'the members in the replica');
        await replica.command('REPLICAOF', 'NO', 'ONE');
        node.setConnections('ann', undefined);
        node.setConnections('bob', 3);
        node.setConnections('eve', 1);
        await node.waitForMembers('bob 3', 'eve 1');
        proxy.target = replica.port;
        await master.kill();
        await eventually(() => node.state === 'live', 'live');
        await node.waitForMembers('bob 3', 'eve 1');
      } finally {
        await node.broker.close();
        proxy.close();
        await replica.dispose();
        await master.dispose();
      }
    }, 60_000);
  },
);
