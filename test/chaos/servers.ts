import { BlackHoleProxy } from '../redis/black-hole-proxy.js';
import { RedisServer } from '../redis/redis-server.js';
import { startReplica } from '../redis/replica.js';
import { Sentinels } from '../redis/sentinels.js';

export interface ServerOptions {
  /** The command-line options of redis-server. */
  readonly server?: readonly string[] | undefined;
  /** `replica` adds a server that replicates the first; `sentinel` also adds three Sentinels that monitor both. */
  readonly with?: 'replica' | 'sentinel' | undefined;
}

/** The Redis servers of one scenario. */
export interface Servers {
  readonly redis: RedisServer;
  /** One proxy for each node, between the node and Redis. */
  readonly proxies: readonly BlackHoleProxy[];
  readonly replica: RedisServer | undefined;
  readonly sentinels: Sentinels | undefined;
}

export async function startServers({ server, with: others }: ServerOptions): Promise<Servers> {
  const persistence = server ?? ['--appendonly', 'no'];
  const redis = await RedisServer.start(['--repl-diskless-sync-delay', '0', ...persistence]);
  const startProxy = (): Promise<BlackHoleProxy> => BlackHoleProxy.start(redis.port);
  const proxies = await Promise.all([startProxy(), startProxy(), startProxy()]);
  const replica = others === undefined ? undefined : await startReplica(redis);
  const sentinels = others === 'sentinel' ? await Sentinels.monitor(redis) : undefined;
  return { redis, proxies, replica, sentinels };
}

export async function disposeServers({ redis, proxies, replica, sentinels }: Servers): Promise<void> {
  for (const proxy of proxies) proxy.close();
  await sentinels?.dispose();
  await replica?.dispose();
  await redis.dispose();
}
