import { askServer } from './ask-server.js';
import type { RedisDriver } from './redis-driver.interface.js';

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Initial knowledge of a cluster, taken from a library's options. */
export interface ClusterNodes {
  /** Nodes to query for the slots; one reachable node is enough. */
  readonly seeds: readonly NodeAddress[];
  /** Translates an announced address to one that is reachable from this process. */
  mapAddress(address: NodeAddress): NodeAddress;
  /** Creates the driver that connects to one node. */
  driverFor(address: NodeAddress): RedisDriver;
}

interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly owner: NodeAddress;
}

/** Caches the owner of each cluster slot, as reported by `CLUSTER SLOTS`. */
export class ClusterTopology {
  readonly #nodes: ClusterNodes;
  readonly #timeoutMs: number;
  #ranges: readonly SlotRange[] = [];
  /** All nodes that were ever reported or given, by their text; the one that was found wrong last is at the end. */
  readonly #known = new Map<string, NodeAddress>();
  #pendingQuery: Promise<readonly SlotRange[]> | undefined;

  constructor(nodes: ClusterNodes, timeoutMs: number) {
    this.#nodes = nodes;
    this.#timeoutMs = timeoutMs;
    for (const seed of nodes.seeds) this.#know(seed);
  }

  /** The addresses of all nodes that are known. */
  get addresses(): NodeAddress[] {
    return [...this.#known.values()];
  }

  get nodes(): ClusterNodes {
    return this.#nodes;
  }

  /** @throws Error if no node can be queried or none owns the slot */
  async findOwner(slot: number): Promise<NodeAddress> {
    const cached = this.#find(slot);
    if (cached !== undefined) return cached;
    this.#pendingQuery ??= this.#query().finally(() => (this.#pendingQuery = undefined));
    this.#ranges = await this.#pendingQuery;
    for (const range of this.#ranges) this.#know(range.owner);
    const owner = this.#find(slot);
    if (owner === undefined) throw new Error(`No node of the Redis Cluster owns slot ${slot}.`);
    return owner;
  }

  /** Drops the cached slots of a node, which are no longer valid. */
  forget(owner: NodeAddress): void {
    this.#ranges = this.#ranges.filter((range) => !isSame(range.owner, owner));
    this.#known.delete(textOf(owner));
    this.#know(owner);
  }

  #find(slot: number): NodeAddress | undefined {
    return this.#ranges.find(({ first, last }) => first <= slot && slot <= last)?.owner;
  }

  #know(address: NodeAddress): void {
    const text = textOf(address);
    if (!this.#known.has(text)) this.#known.set(text, address);
  }

  /** Queries the known nodes one after the other until one answers. */
  async #query(): Promise<readonly SlotRange[]> {
    let failure: unknown = new Error('No node of the Redis Cluster is known.');
    for (const address of this.addresses) {
      try {
        return await this.#queryNode(address);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #queryNode(address: NodeAddress): Promise<SlotRange[]> {
    const driver = this.#nodes.driverFor(address);
    const [reply] = await askServer(driver, [['CLUSTER', 'SLOTS']], this.#timeoutMs);
    return (reply as [number, number, [string | null, number]][]).map(([first, last, [host, port]]) => ({
      first,
      last,
      // A node that does not know its own address returns none.
      owner: this.#nodes.mapAddress({
        host: host === null || host === '' ? address.host : host,
        port,
      }),
    }));
  }
}

function textOf({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}

function isSame(a: NodeAddress, b: NodeAddress): boolean {
  return a.host === b.host && a.port === b.port;
}
