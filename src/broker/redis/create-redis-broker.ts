import type { PartitionedBroker, SseBroker } from '../broker.interface.js';
import { chooseDriver, type DriverForSlot } from './driver/choose-driver.js';
import { partitionOf, partitionTags } from './driver/cluster-slot.js';
import { PRESENCE_TIMES } from './presence/redis-presence-context.js';
import { RedisBroker, type RedisBrokerContext } from './redis-broker.js';
import type { ResolvedRedisOptions } from './redis-broker-options.js';

/** One broker, or as many as there are partitions. */
export function createRedisBroker(
  options: ResolvedRedisOptions,
  presenceTimes = PRESENCE_TIMES,
): SseBroker | PartitionedBroker {
  const { prefix, partitions: count } = options;
  const warned = new Set<string>();
  let driver: Promise<DriverForSlot> | undefined;
  const context: RedisBrokerContext = {
    options,
    presenceTimes,
    driver: () => (driver ??= chooseDriver(options)),
    warn: (message) => {
      if (warned.has(message)) return;
      warned.add(message);
      process.emitWarning(message, 'SseRedisWarning');
    },
  };
  // Another number of partitions is another memory: a room would be looked for where it has no history.
  const names = count === 1 ? prefix : `${prefix}/${count}`;
  const brokers = partitionTags(count).map((tag) => new RedisBroker(context, { prefix: names, tag }));
  const [only] = brokers;
  if (count === 1) return only as SseBroker;
  return { partitions: brokers, partitionOf: (room) => partitionOf(room, count) };
}
