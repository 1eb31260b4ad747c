import type { ClusterTopology, NodeAddress } from './cluster-topology.js';
import { FormerMasterError } from '../fencing/former-master-error.js';
import type { SlotClaims } from '../fencing/slot-claims.js';
import {
  isErrorReply,
  type ConfirmLimits,
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
  readonly #claims: SlotClaims;

  constructor(topology: ClusterTopology, slot: number, claims: SlotClaims) {
    this.#topology = topology;
    this.#slot = slot;
    this.#claims = claims;
  }

  connect(events: RedisConnectionEvents): RedisConnection {
    return new SlotOwnerConnection(this.#topology, this.#slot, this.#claims, events);
  }
}

class SlotOwnerConnection implements RedisConnection {
  readonly ready: Promise<void>;
  readonly #topology: ClusterTopology;
  readonly #slot: number;
  readonly #claims: SlotClaims;
  #owner: NodeAddress | undefined;
  #connection: RedisConnection | undefined;
  #isClosed = false;

  constructor(topology: ClusterTopology, slot: number, claims: SlotClaims, events: RedisConnectionEvents) {
    this.#topology = topology;
    this.#slot = slot;
    this.#claims = claims;
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

  async confirmMaster(limits: ConfirmLimits): Promise<void> {
    try {
      await this.#claims.confirm(this, this.#slot, limits);
    } catch (error) {
      if (error instanceof FormerMasterError) this.#forgetOwner();
      throw error;
    }
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
