import type { ClusterTopology, NodeAddress } from './cluster-topology.js';
import {
  isErrorReply,
  type RedisConnection,
  type RedisConnectionEvents,
  type RedisDriver,
  type RedisReply,
} from './redis-driver.interface.js';

/**
 * Makes connections to whichever node of a cluster has one slot, where everything of one partition lies. Where the slot
 * has been moved, or the node is gone, the connection is lost, and the next one asks for the owner again.
 */
export class ClusterDriver implements RedisDriver {
  /** A cluster has no other. */
  readonly database = 0;
  readonly #topology: ClusterTopology;
  readonly #slot: number;

  constructor(topology: ClusterTopology, slot: number) {
    this.#topology = topology;
    this.#slot = slot;
  }

  connect(events: RedisConnectionEvents): RedisConnection {
    return new OwnerConnection(this.#topology, this.#slot, events);
  }
}

class OwnerConnection implements RedisConnection {
  readonly ready: Promise<void>;
  readonly #topology: ClusterTopology;
  #owner: NodeAddress | undefined;
  #connection: RedisConnection | undefined;
  #isClosed = false;

  constructor(topology: ClusterTopology, slot: number, events: RedisConnectionEvents) {
    this.#topology = topology;
    this.ready = this.#open(slot, events);
    this.ready.catch(() => {});
  }

  send(args: readonly string[]): Promise<RedisReply> {
    return this.#run((connection) => connection.send(args));
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#run((connection) => connection.subscribe(channels));
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#run((connection) => connection.unsubscribe(channels));
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.close();
  }

  async #open(slot: number, { onMessage, onLost }: RedisConnectionEvents): Promise<void> {
    const owner = await this.#topology.ownerOf(slot);
    if (this.#isClosed) throw new Error('The connection was closed.');
    this.#owner = owner;
    this.#connection = this.#topology.nodes.driverOf(owner).connect({
      onMessage,
      onLost: (error) => {
        this.#forgetOwner();
        onLost(error);
      },
    });
    try {
      await this.#connection.ready;
    } catch (error) {
      this.#forgetOwner();
      throw error;
    }
  }

  async #run<T>(work: (connection: RedisConnection) => Promise<T>): Promise<T> {
    if (this.#connection === undefined) throw new Error('The connection is not ready.');
    try {
      return await work(this.#connection);
    } catch (error) {
      if (isErrorReply(error) && (error as Error).message.startsWith('MOVED')) this.#forgetOwner();
      throw error;
    }
  }

  #forgetOwner(): void {
    if (this.#owner !== undefined) this.#topology.forget(this.#owner);
  }
}
