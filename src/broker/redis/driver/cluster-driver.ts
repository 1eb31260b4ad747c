import type { ClusterTopology, NodeAddress } from './cluster-topology.js';
import {
  isErrorReply,
  type RedisConnection,
  type RedisConnectionEvents,
  type RedisDriver,
  type RedisReply,
} from './redis-driver.interface.js';

/**
 * Connects to the cluster node that owns one slot, which holds all keys and channels of one partition. If the slot is
 * moved or the node fails, the connection is lost, and the next connection looks the owner up again.
 */
export class ClusterDriver implements RedisDriver {
  /** A cluster has only database 0. */
  readonly database = 0;
  readonly #topology: ClusterTopology;
  readonly #slot: number;

  constructor(topology: ClusterTopology, slot: number) {
    this.#topology = topology;
    this.#slot = slot;
  }

  connect(events: RedisConnectionEvents): RedisConnection {
    return new SlotOwnerConnection(this.#topology, this.#slot, events);
  }
}

class SlotOwnerConnection implements RedisConnection {
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
    return this.#useConnection((connection) => connection.send(args));
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#useConnection((connection) => connection.subscribe(channels));
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#useConnection((connection) => connection.unsubscribe(channels));
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.close();
  }

  async #open(slot: number, { onMessage, onLost }: RedisConnectionEvents): Promise<void> {
    const owner = await this.#topology.findOwner(slot);
    if (this.#isClosed) throw new Error('The connection was closed.');
    this.#owner = owner;
    this.#connection = this.#topology.nodes.driverFor(owner).connect({
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

  async #useConnection<T>(action: (connection: RedisConnection) => Promise<T>): Promise<T> {
    if (this.#connection === undefined) throw new Error('The connection is not ready.');
    try {
      return await action(this.#connection);
    } catch (error) {
      if (isErrorReply(error) && (error as Error).message.startsWith('MOVED')) this.#forgetOwner();
      throw error;
    }
  }

  #forgetOwner(): void {
    if (this.#owner !== undefined) this.#topology.forget(this.#owner);
  }
}
