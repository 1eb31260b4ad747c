import type { SseBroker } from '../broker.interface.js';
import type { PartitionedBroker } from '../partitioned-broker.interface.js';
import { chooseDriver, type DriverForSlot } from './driver/choose-driver.js';
import { ReadQueue } from './history/read-queue.js';
import { BrokerLog } from './link/broker-log.js';
import { OutageLog } from './link/outage-log.js';
import { partitionOf, partitionTags } from './driver/cluster-slot.js';
import { PRESENCE_TIMES } from './presence/redis-presence-context.js';
import { RedisBroker, type RedisBrokerContext } from './redis-broker.js';
import type { ResolvedRedisOptions } from './redis-broker-options.js';

/** Reads of history in flight for a node, over all partitions. */
const MAX_READS = 8;

/** Creates one broker, or a partitioned broker if `partitions` is greater than 1. The partitions share the drivers. */
export function createRedisBroker(
  options: ResolvedRedisOptions,
  presenceTimes = PRESENCE_TIMES,
): SseBroker | PartitionedBroker {
  const { prefix, partitions: count } = options;
  const log = new BrokerLog();
  let drivers: Promise<DriverForSlot> | undefined;
  const context: RedisBrokerContext = {
    options,
    presenceTimes,
    chooseDriver: () => (drivers ??= chooseDriver(options)),
    log,
    outages: new OutageLog(log.write),
    reads: new ReadQueue(MAX_READS),
  };
  // The prefix contains the number of partitions, because another number assigns rooms to other partitions: a room
  // would be read from a partition without its history.
  const partitionPrefix = count === 1 ? prefix : `${prefix}/${count}`;
  const brokers = partitionTags(count).map(
    (tag) => new RedisBroker(context, { prefix: partitionPrefix, tag }),
  );
  const [singleBroker] = brokers;
  if (count === 1) return singleBroker as SseBroker;
  return { partitions: brokers, partitionOf: (room) => partitionOf(room, count) };
}
