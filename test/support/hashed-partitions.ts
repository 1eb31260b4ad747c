import { MemoryBroker, type PartitionedBroker, type SseBroker } from 'nestjs-simple-sse';

/** Assigns each room to one of several brokers by a hash of its name. */
export class HashedPartitions implements PartitionedBroker {
  readonly partitions: readonly SseBroker[];

  constructor(count: number, createBroker: (partition: number) => SseBroker = () => new MemoryBroker()) {
    this.partitions = Array.from({ length: count }, (_, partition) => createBroker(partition));
  }

  partitionOf(room: string): number {
    let hash = 0;
    for (const character of room) hash = (hash * 31 + (character.codePointAt(0) as number)) >>> 0;
    return hash % this.partitions.length;
  }
}
