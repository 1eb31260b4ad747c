import { partitionTags } from '../../src/broker/redis/driver/cluster-slot.js';
import { BlackHoleProxy } from '../redis/black-hole-proxy.js';
import { RedisCluster } from '../redis/redis-cluster.js';
import type { RedisServer } from '../redis/redis-server.js';
import { waitForSync } from '../redis/replica.js';
import { SentinelSplit } from '../redis/sentinels.js';
import { eventually } from '../support/within.js';
import type { NodeConfig } from './node/messages.js';

const NODES = 3;
const TIMEOUT_MS = 60_000;

type NodeConnection = Pick<NodeConfig, 'sentinels' | 'cluster' | 'addressMap'>;

/** The proxies between one node and all servers, by the port of the server. */
type Ways = ReadonlyMap<number, BlackHoleProxy>;

/** A set-up in which the master can be cut off from the other servers, as the tests of the broker do it. */
interface Inner {
  readonly ports: readonly number[];
  readonly connectionOf: (portOf: (port: number) => number) => NodeConnection;
  readonly split: () => Promise<void>;
  readonly heal: () => Promise<void>;
  readonly dispose: () => Promise<void>;
}

/** Servers that choose their master themselves, and that can be split together with some of the nodes. */
export class SplitServers {
  /** The master and its replica, which change places with each split. */
  #pair: readonly [master: RedisServer, replica: RedisServer];
  readonly #inner: Inner;
  readonly #ways: readonly Ways[];
  /** The nodes on the side of the former master. */
  #cutOff: readonly Ways[] = [];
  #splits = 0;

  private constructor(inner: Inner, pair: readonly [RedisServer, RedisServer], ways: readonly Ways[]) {
    this.#inner = inner;
    this.#pair = pair;
    this.#ways = ways;
  }

  static async start(kind: 'sentinel' | 'cluster'): Promise<SplitServers> {
    const { inner, pair } = kind === 'sentinel' ? await startSentinels() : await startCluster();
    return new SplitServers(
      inner,
      pair,
      await Promise.all(Array.from({ length: NODES }, () => waysTo(inner.ports))),
    );
  }

  get master(): RedisServer {
    return this.#pair[0];
  }

  /** Returns the configuration with which a node reaches the servers. */
  connectionOf(node: number): NodeConnection {
    const ways = this.#ways[node] as Ways;
    return this.#inner.connectionOf((port) => ways.get(port)?.port ?? port);
  }

  /**
   * Cuts the master and all nodes but one off from the other servers, which promote the replica. Resolves when the one node
   * uses the new master. Each time it is another node.
   */
  async split(): Promise<void> {
    const [master, replica] = this.#pair;
    const first = this.#splits++ % NODES;
    this.#cutOff = this.#ways.filter((_, node) => node !== first);
    for (const ways of this.#cutOff) {
      for (const [port, way] of ways) {
        if (port === master.port) continue;
        way.holdNew();
        way.cut();
      }
    }
    await this.#inner.split();
    // The subscriptions of a node follow last.
    const isUsed = async (): Promise<boolean> => (await replica.command('PUBSUB', 'SHARDCHANNELS')) !== '*0';
    await eventually(isUsed, 'a node on the new master', TIMEOUT_MS);
  }

  /** Ends the split. Resolves when the former master is a replica. */
  async heal(): Promise<void> {
    for (const ways of this.#cutOff) for (const way of ways.values()) way.releaseNew();
    await this.#inner.heal();
    this.#pair = [this.#pair[1], this.#pair[0]];
    await waitForSync(this.#pair[1]);
  }

  async dispose(): Promise<void> {
    for (const ways of this.#ways) for (const way of ways.values()) way.close();
    await this.#inner.dispose();
  }
}

async function startSentinels(): Promise<{ inner: Inner; pair: [RedisServer, RedisServer] }> {
  const split = await SentinelSplit.start();
  const { announced, sentinels, master, replica } = split;
  const inner: Inner = {
    ports: [master.port, replica.port, ...sentinels.ports],
    connectionOf: (portOf) => ({
      sentinels: sentinels.ports.map(portOf),
      addressMap: Object.fromEntries(announced.map(({ address, server }) => [address, portOf(server.port)])),
    }),
    split: () => split.split(),
    heal: () => split.heal(),
    dispose: () => split.dispose(),
  };
  return { inner, pair: [master, replica] };
}

async function startCluster(): Promise<{ inner: Inner; pair: [RedisServer, RedisServer] }> {
  const cluster = await RedisCluster.start();
  const [tag] = partitionTags(1) as [string];
  const { master, replica, split, heal } = await cluster.replicate(tag);
  const ports = [...cluster.ports, replica.port];
  const inner: Inner = {
    ports,
    connectionOf: (portOf) => ({
      cluster: cluster.ports.map(portOf),
      addressMap: Object.fromEntries(ports.map((port) => [`127.0.0.1:${port}`, portOf(port)])),
    }),
    split,
    heal,
    dispose: () => cluster.dispose(),
  };
  return { inner, pair: [master, replica] };
}

async function waysTo(ports: readonly number[]): Promise<Ways> {
  const ways = ports.map(async (port) => [port, await BlackHoleProxy.start(port)] as const);
  return new Map(await Promise.all(ways));
}
