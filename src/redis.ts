import type { SseBroker } from './broker/broker.interface.js';
import type { PartitionedBroker } from './broker/partitioned-broker.interface.js';
import { createRedisBroker } from './broker/redis/create-redis-broker.js';
import { resolveRedisOptions, type RedisBrokerOptions } from './broker/redis/redis-broker-options.js';

export type {
  RedisBrokerOptions,
  RedisClientLike,
  RedisDriverName,
} from './broker/redis/redis-broker-options.js';

/**
 * Creates the broker for an application of several nodes that share one Redis server or Redis Cluster (Redis 7 or
 * later). It connects when the application starts.
 *
 * ```ts
 * SseModule.forRoot({ broker: redisBroker({ url: 'redis://localhost:6379' }) })
 * ```
 *
 * @returns a `PartitionedBroker` if the option `partitions` is greater than 1
 * @throws SseError `invalid-options`
 */
export function redisBroker(options: RedisBrokerOptions & { readonly partitions?: 1 | undefined }): SseBroker;
export function redisBroker(options: RedisBrokerOptions): SseBroker | PartitionedBroker;
export function redisBroker(options: RedisBrokerOptions): SseBroker | PartitionedBroker {
  return createRedisBroker(resolveRedisOptions(options));
}
