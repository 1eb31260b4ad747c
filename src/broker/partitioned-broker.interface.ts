import type { SseBroker } from './broker.interface.js';

/**
 * Several brokers that share the rooms among them. Each has an epoch, positions and a history of its own; order is
 * guaranteed within a partition only. All nodes have the same partitions in the same order.
 */
export interface PartitionedBroker {
  /** The brokers: 2 to 64. */
  readonly partitions: readonly SseBroker[];
  /** Returns the index of the room's partition: the same on every node. */
  partitionOf(room: string): number;
}

/** Returns a broker with partitions unchanged, and any other broker as the only partition of one. */
export function asPartitioned(broker: SseBroker | PartitionedBroker): PartitionedBroker {
  return 'partitions' in broker ? broker : { partitions: [broker], partitionOf: () => 0 };
}
