import { Redis } from 'ioredis';
import { slotOf } from '../../src/broker/redis/driver/cluster-slot.js';
import { eventually } from '../support/within.js';
import { freePort, RedisServer } from './redis-server.js';

const SLOTS = 16_384;
const TIMEOUT_MS = 1_000;

/** A master of a cluster, and its replica. */
export interface ReplicatedMaster {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** Promotes the replica. */
  readonly promote: () => Promise<void>;
  /** Cuts the master off from all other nodes of the cluster and promotes the replica: there are two masters. */
  readonly split: () => Promise<void>;
  /** Ends the split. Resolves when the former master has become a replica of the new one: it is the next to be promoted. */
  readonly heal: () => Promise<void>;
}

/** A Redis Cluster of three masters, each in its own process, and replicas on demand. */
export class RedisCluster {
  readonly masters: readonly RedisServer[];
  readonly #replicas: RedisServer[] = [];

  private constructor(masters: readonly RedisServer[]) {
    this.masters = masters;
  }

  static async start(): Promise<RedisCluster> {
    const cluster = new RedisCluster(await Promise.all([1, 2, 3].map(startNode)));
    const [first] = cluster.masters as [RedisServer];
    for (const [index, server] of cluster.masters.entries()) {
      const [from, to] = [index, index + 1].map((each) => Math.floor((each * SLOTS) / 3)) as [number, number];
      await call(server, 'CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${to - 1}`);
      // Two nodes that meet with the same epoch would have to change one of them.
      await call(server, 'CLUSTER', 'SET-CONFIG-EPOCH', `${index + 1}`);
      await call(first, 'CLUSTER', 'MEET', '127.0.0.1', `${server.port}`, `${busPorts.get(server)}`);
    }
    await cluster.isWhole();
    return cluster;
  }

  get url(): string {
    return (this.masters[0] as RedisServer).url;
  }

  get urls(): string[] {
    return this.masters.map(({ url }) => url);
  }

  get ports(): number[] {
    return this.masters.map(({ port }) => port);
  }

  /** Resolves when every node knows every slot and every other node. */
  async isWhole(): Promise<void> {
    const areOk = async (): Promise<boolean> => {
      const infos = await Promise.all(this.#all().map((server) => call(server, 'CLUSTER', 'INFO')));
      const known = `cluster_known_nodes:${infos.length}`;
      return infos.every((info) => info.includes('cluster_state:ok') && info.includes(known));
    };
    await eventually(areOk, 'the cluster', 20_000);
  }

  /** Returns the master that owns the slot of a tag. */
  async ownerOf(tag: string): Promise<RedisServer> {
    const slot = slotOf(tag);
    const range = (await this.#ranges()).find(([first, last]) => first <= slot && slot <= last);
    return this.#at(range?.[2][1]);
  }

  /** Moves the slot of a tag to another master, with all of its keys, while it is in use. */
  async move(tag: string): Promise<void> {
    const slot = `${slotOf(tag)}`;
    const from = await this.ownerOf(tag);
    const others = (await this.#ranges())
      .map(([, , [, port]]) => this.#at(port))
      .filter((each) => each !== from);
    const to = others[0] as RedisServer;
    const [fromId, toId] = [await call(from, 'CLUSTER', 'MYID'), await call(to, 'CLUSTER', 'MYID')];
    await call(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
    await call(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
    for (;;) {
      const keys = (await ask(from, ['CLUSTER', 'GETKEYSINSLOT', slot, '100'])) as string[];
      if (keys.length === 0) break;
      await call(from, 'MIGRATE', '127.0.0.1', `${to.port}`, '', '0', '5000', 'KEYS', ...keys);
    }
    for (const server of [to, from, ...this.masters])
      await call(server, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId);
  }

  /** Adds a replica, in sync, to the master of a tag. */
  async replicate(tag: string): Promise<ReplicatedMaster> {
    const master = await this.ownerOf(tag);
    const masterId = await call(master, 'CLUSTER', 'MYID');
    const replica = await startNode();
    this.#replicas.push(replica);
    await call(replica, 'CLUSTER', 'MEET', '127.0.0.1', `${master.port}`, `${busPorts.get(master)}`);
    const knows = async (): Promise<boolean> => {
      const answer = await call(replica, 'CLUSTER', 'REPLICATE', masterId).catch(() => '');
      return answer === 'OK';
    };
    await eventually(knows, 'a replica that knows its master', 10_000);
    const isInSync = async (): Promise<boolean> =>
      (await call(replica, 'INFO', 'replication')).includes('master_link_status:up');
    await eventually(isInSync, 'the replica in sync', 10_000);
    await this.isWhole();
    let [current, next] = [master, replica];
    const othersOf = (server: RedisServer): RedisServer[] => this.#all().filter((each) => each !== server);
    const promote = async (): Promise<void> => void (await call(next, 'CLUSTER', 'FAILOVER', 'TAKEOVER'));
    const split = async (): Promise<void> => {
      // A node ignores the messages of nodes that it does not know.
      for (const id of await Promise.all(othersOf(current).map((each) => call(each, 'CLUSTER', 'MYID'))))
        await call(current, 'CLUSTER', 'FORGET', id);
      await promote();
    };
    const heal = async (): Promise<void> => {
      const [former, promoted] = [current, next];
      for (const each of othersOf(former))
        await call(former, 'CLUSTER', 'MEET', '127.0.0.1', `${each.port}`, `${busPorts.get(each)}`);
      await eventually(() => isReplica(former), 'the former master as a replica', 20_000);
      [current, next] = [promoted, former];
    };
    return { master, replica, promote, split, heal };
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#all().map((server) => server.dispose()));
  }

  async #ranges(): Promise<[first: number, last: number, owner: [host: string, port: number]][]> {
    return (await ask(this.masters[0] as RedisServer, ['CLUSTER', 'SLOTS'])) as [
      number,
      number,
      [string, number],
    ][];
  }

  #at(port: number | undefined): RedisServer {
    return this.#all().find((server) => server.port === port) as RedisServer;
  }

  #all(): RedisServer[] {
    return [...this.masters, ...this.#replicas];
  }
}

const busPorts = new WeakMap<RedisServer, number>();

async function isReplica(server: RedisServer): Promise<boolean> {
  return (await call(server, 'INFO', 'replication')).includes('role:slave');
}

async function startNode(): Promise<RedisServer> {
  let busPort = 0;
  const server = await RedisServer.start(async () => {
    busPort = await freePort();
    const options = `--cluster-enabled yes --cluster-port ${busPort} --cluster-node-timeout ${TIMEOUT_MS}`;
    return `${options} --cluster-require-full-coverage no --repl-diskless-sync-delay 0`.split(' ');
  });
  busPorts.set(server, busPort);
  return server;
}

async function call(server: RedisServer, ...command: string[]): Promise<string> {
  return String(await ask(server, command));
}

async function ask(server: RedisServer, [command = '', ...args]: readonly string[]): Promise<unknown> {
  const client = new Redis(server.port, '127.0.0.1', { retryStrategy: () => null });
  try {
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}
