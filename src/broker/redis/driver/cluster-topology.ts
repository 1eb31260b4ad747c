import type { RedisDriver } from './redis-driver.interface.js';
import { withDeadline } from '../link/deferred.js';

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** What a library knows of a cluster before it is asked. */
export interface ClusterNodes {
  /** Nodes to ask first; one that answers will do. */
  readonly seeds: readonly NodeAddress[];
  /** Where a node that the cluster names is reached from here. */
  mapped(address: NodeAddress): NodeAddress;
  /** Makes connections to one node. */
  driverOf(address: NodeAddress): RedisDriver;
}

interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly owner: NodeAddress;
}

/** Which node of a cluster has which slot, as one of them said last. */
export class ClusterTopology {
  readonly #nodes: ClusterNodes;
  readonly #timeoutMs: number;
  #ranges: readonly SlotRange[] = [];
  #asking: Promise<readonly SlotRange[]> | undefined;

  constructor(nodes: ClusterNodes, timeoutMs: number) {
    this.#nodes = nodes;
    this.#timeoutMs = timeoutMs;
  }

  get nodes(): ClusterNodes {
    return this.#nodes;
  }

  /** @throws Error where no node can be asked, or none has the slot */
  async ownerOf(slot: number): Promise<NodeAddress> {
    const known = this.#find(slot);
    if (known !== undefined) return known;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    this.#ranges = await this.#asking;
    const owner = this.#find(slot);
    if (owner === undefined) throw new Error(`No node of the Redis Cluster has slot ${slot}.`);
    return owner;
  }

  /** What is known of a node has turned out to be wrong: its slots are asked for again. */
  forget(owner: NodeAddress): void {
    this.#ranges = this.#ranges.filter((range) => !isSame(range.owner, owner));
  }

  #find(slot: number): NodeAddress | undefined {
    return this.#ranges.find(({ first, last }) => first <= slot && slot <= last)?.owner;
  }

  /** Asks the nodes that are known, one after the other, until one answers. */
  async #ask(): Promise<readonly SlotRange[]> {
    const asked = [...this.#ranges.map(({ owner }) => owner), ...this.#nodes.seeds];
    const addresses = new Map(asked.map((address) => [`${address.host}:${address.port}`, address]));
    let failure: unknown = new Error('No node of the Redis Cluster is known.');
    for (const address of addresses.values()) {
      try {
        return await this.#askOne(address);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #askOne(address: NodeAddress): Promise<SlotRange[]> {
    const connection = this.#nodes.driverOf(address).connect({ onMessage: () => {}, onLost: () => {} });
    const answer = connection.ready.then(() => connection.send(['CLUSTER', 'SLOTS']));
    try {
      const reply = await withDeadline(
        answer,
        this.#timeoutMs,
        () => new Error(`${address.host}:${address.port} did not answer in time.`),
      );
      return (reply as [number, number, [string | null, number]][]).map(([first, last, [host, port]]) => ({
        first,
        last,
        // A node that does not know its own address names none.
        owner: this.#nodes.mapped({
          host: host === null || host === '' ? address.host : host,
          port,
        }),
      }));
    } finally {
      connection.close();
    }
  }
}

function isSame(a: NodeAddress, b: NodeAddress): boolean {
  return a.host === b.host && a.port === b.port;
}
