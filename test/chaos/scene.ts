import { BlackHoleProxy, RedisServer } from '../redis/redis-server.js';
import type { Traffic } from '../redis/traffic.js';
import { eventually } from '../support/within.js';
import type { Fleet } from './fleet.js';
import type { RoamingClient } from './roaming-client.js';
import { Sentinels } from './sentinels.js';

const PATIENCE_MS = 60_000;

export interface SceneOptions {
  /** As on the command line of redis-server. */
  readonly server?: readonly string[] | undefined;
  /** `replica`: a second server copies the first. `sentinel`: and three Sentinels watch both. */
  readonly with?: 'replica' | 'sentinel' | undefined;
}

/** The servers that one row is played with. */
export interface Stage {
  readonly redis: RedisServer;
  /** One for each node, on its way to Redis. */
  readonly proxies: readonly BlackHoleProxy[];
  readonly replica: RedisServer | undefined;
  readonly sentinels: Sentinels | undefined;
}

export interface Scene extends Stage {
  readonly fleet: Fleet;
  readonly traffic: Traffic<RoamingClient>;
}

export async function setStage({ server, with: others }: SceneOptions): Promise<Stage> {
  const persistence = server ?? ['--appendonly', 'no'];
  const redis = await RedisServer.start(['--repl-diskless-sync-delay', '0', ...persistence]);
  const startProxy = (): Promise<BlackHoleProxy> => BlackHoleProxy.start(redis.port);
  const proxies = await Promise.all([startProxy(), startProxy(), startProxy()]);
  const replica = others === undefined ? undefined : await startReplica(redis);
  const sentinels = others === 'sentinel' ? await Sentinels.watch(redis) : undefined;
  return { redis, proxies, replica, sentinels };
}

export async function strikeStage({ redis, proxies, replica, sentinels }: Stage): Promise<void> {
  for (const proxy of proxies) proxy.close();
  await sentinels?.dispose();
  await replica?.dispose();
  await redis.dispose();
}

async function startReplica(of: RedisServer): Promise<RedisServer> {
  const replica = await RedisServer.start();
  await replica.command('REPLICAOF', '127.0.0.1', `${of.port}`);
  const isInSync = async (): Promise<boolean> =>
    (await replica.command('INFO', 'replication')).includes('master_link_status:up');
  await eventually(isInSync, 'the replica in sync', PATIENCE_MS);
  return replica;
}
