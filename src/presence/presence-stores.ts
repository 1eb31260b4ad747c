import { asPartitioned, type PartitionedBroker, type SseBroker } from '../broker/broker.interface.js';
import type { PresenceStore, LocalPresence } from '../broker/presence-store.interface.js';

/** The stores of a broker, one for each partition: who is in a room is known where its events are. */
export class PresenceStores {
  readonly #stores: readonly (PresenceStore | undefined)[];
  readonly #partitioned: PartitionedBroker;

  constructor(broker: SseBroker | PartitionedBroker) {
    this.#partitioned = asPartitioned(broker);
    this.#stores = this.#partitioned.partitions.map(({ presence }) => presence);
  }

  get areAllThere(): boolean {
    return this.#stores.every((store) => store !== undefined);
  }

  of(room: string): PresenceStore | undefined {
    return this.#stores[this.#partitioned.partitionOf(room)];
  }

  open(): void {
    for (const store of this.#stores) store?.open();
  }

  set(room: string, user: string, here: LocalPresence | undefined): void {
    this.of(room)?.set(room, user, here);
  }

  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#stores.map(async (store) => store?.close(graceMs)));
  }
}
