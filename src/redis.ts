import type { PartitionedBroker, SseBroker } from './broker/broker.interface.js';
import { createRedisBroker } from './broker/redis/create-redis-broker.js';
import { resolveRedisOptions, type RedisBrokerOptions } from './broker/redis/redis-broker-options.js';

export type {
  RedisBrokerOptions,
  RedisClientLike,
  RedisDriverName,
} from './broker/redis/redis-broker-options.js';

/**
 * A broker for any number of nodes that share one Redis (7 or later).
 *
 * ```ts
 * SseModule.forRoot({ broker: redisBroker({ url: 'redis://localhost:6379' }) })
 * ```
 *
 * @throws SseError `invalid-options`
 */
export function redisBroker(options: RedisBrokerOptions & { readonly partitions?: 1 | undefined }): SseBroker;
export function redisBroker(options: RedisBrokerOptions): SseBroker | PartitionedBroker;
export function redisBroker(options: RedisBrokerOptions): SseBroker | PartitionedBroker {
  return createRedisBroker(resolveRedisOptions(options));
}
