import type { PartitionedBroker } from '../broker/partitioned-broker.interface.js';
import type { PresenceStore, LocalPresence } from '../broker/presence-store.interface.js';

/** The presence stores of a broker, one for each partition. The partition of a room stores its members, too. */
export class PresenceStores {
  readonly #stores: readonly (PresenceStore | undefined)[];
  readonly #broker: PartitionedBroker;

  constructor(broker: PartitionedBroker) {
    this.#broker = broker;
    this.#stores = broker.partitions.map(({ presence }) => presence);
  }

  /** True if every partition supports presence. */
  get areComplete(): boolean {
    return this.#stores.every((store) => store !== undefined);
  }

  of(room: string): PresenceStore | undefined {
    return this.#stores[this.#broker.partitionOf(room)];
  }

  open(): void {
    for (const store of this.#stores) store?.open();
  }

  /** As in `PresenceStore.set`. */
  set(room: string, user: string, local: LocalPresence | undefined): void {
    this.of(room)?.set(room, user, local);
  }

  /** As in `PresenceStore.close`. */
  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#stores.map(async (store) => store?.close(graceMs)));
  }
}
