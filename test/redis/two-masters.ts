import { pause } from '../support/within.js';
import type { BlackHoleProxy } from './black-hole-proxy.js';
import type { RedisServer } from './redis-server.js';
import { waitForCopy } from './replica.js';

export interface TwoMasters {
  readonly redis: RedisServer;
  /** A replica of `redis`, in sync. */
  readonly replica: RedisServer;
  /** A proxy for each node, all with the target `redis`. */
  readonly proxies: readonly BlackHoleProxy[];
  /** Resolves when enough events were accepted by both masters. Default: after a second. */
  readonly split?: () => Promise<unknown>;
}

/**
 * Promotes the replica and moves the first node to it, while the others stay on the former master. Afterwards the former
 * master becomes a replica, as after the end of a network split: events that it accepted alone are lost.
 */
export async function splitMasters({ redis, replica, proxies, split }: TwoMasters): Promise<void> {
  await waitForCopy(replica);
  await replica.command('REPLICAOF', 'NO', 'ONE');
  const [first, ...others] = proxies;
  if (first !== undefined) first.target = replica.port;
  first?.cut();
  await (split?.() ?? pause(1_000));
  for (const proxy of others) proxy.target = replica.port;
  await redis.command('REPLICAOF', '127.0.0.1', `${replica.port}`);
}
