import { describeValue } from '../../../protocol/error-text.js';
import { SseError } from '../../../protocol/sse-error.js';
import { ClusterDriver } from './cluster-driver.js';
import {
  isIoredisCluster,
  isNodeRedisCluster,
  nodesAround,
  nodesOfIoredis,
  nodesOfNodeRedis,
} from './cluster-nodes.js';
import { ClusterTopology, type ClusterNodes } from './cluster-topology.js';
import { IoredisDriver, type IoredisClient } from './ioredis-driver.js';
import { loadIoredis, loadNodeRedis } from './libraries.js';
import { NodeRedisDriver, type NodeRedisClient } from './node-redis-driver.js';
import type { RedisDriverName, ResolvedRedisOptions } from '../redis-broker-options.js';
import type { RedisDriver } from './redis-driver.interface.js';

/** Makes the driver of a partition from the slot of its keys; elsewhere than in a cluster it is the same for all. */
export type DriverOfSlot = (slot: number) => RedisDriver;

const LIBRARIES: Readonly<
  Record<RedisDriverName, (url: string) => Promise<IoredisDriver | NodeRedisDriver>>
> = {
  redis: async (url) => (await loadNodeRedis())({ url }),
  ioredis: async (url) => (await loadIoredis())(url),
};

/**
 * The drivers for what the options name. A library is loaded only here, and only where a `url` or a cluster needs one.
 *
 * @throws SseError `invalid-options` where the client is not known or no library is installed
 */
export async function chooseDriver(options: ResolvedRedisOptions): Promise<DriverOfSlot> {
  const { client, url = '', driver, cluster, connectTimeoutMs } = options;
  const inCluster = (nodes: ClusterNodes): DriverOfSlot => {
    const topology = new ClusterTopology(nodes, connectTimeoutMs);
    return (slot) => new ClusterDriver(topology, slot);
  };
  if (client !== undefined) {
    const nodes = await clusterNodesOf(client, driver);
    if (nodes !== undefined) return inCluster(nodes);
  }
  const chosen = client === undefined ? await driverOfUrl(url, driver) : driverOf(client, driver);
  return cluster ? inCluster(nodesAround(chosen)) : () => chosen;
}

async function driverOfUrl(
  url: string,
  driver: RedisDriverName | undefined,
): Promise<IoredisDriver | NodeRedisDriver> {
  const names: readonly RedisDriverName[] = driver === undefined ? ['redis', 'ioredis'] : [driver];
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      return await LIBRARIES[name](url);
    } catch (error) {
      if (!isNotInstalled(error)) throw error;
      failures.push(error);
    }
  }
  throw new SseError(
    'invalid-options',
    `redisBroker({ url }) needs a Redis library: run \`npm install ${names[0]}\`.`,
    { cause: failures[0] },
  );
}

/** The nodes of a cluster client of either library; `undefined` for any other client. */
async function clusterNodesOf(
  client: object,
  driver: RedisDriverName | undefined,
): Promise<ClusterNodes | undefined> {
  if (driver !== 'redis' && isIoredisCluster(client)) {
    return nodesOfIoredis(client);
  }
  if (driver !== 'ioredis' && isNodeRedisCluster(client)) {
    return nodesOfNodeRedis(client);
  }
  return undefined;
}

function driverOf(client: object, driver: RedisDriverName | undefined): IoredisDriver | NodeRedisDriver {
  if ('getMasterNode' in client) {
    throw new SseError(
      'invalid-options',
      'redisBroker does not work with a Sentinel client of node-redis: give it one of ioredis, with `sentinels`.',
    );
  }
  // Each has a method that the other has not.
  if (driver !== 'redis' && 'call' in client && 'disconnect' in client) {
    return new IoredisDriver(client as unknown as IoredisClient);
  }
  if ('nodeClient' in client) {
    throw new SseError(
      'invalid-options',
      'This version of node-redis does not show the options of its cluster client: update `redis` to 5.6 or later, or give ' +
        '`url` and `cluster: true` instead of `client`.',
    );
  }
  if (driver !== 'ioredis' && 'sendCommand' in client && 'isOpen' in client) {
    return new NodeRedisDriver(client as unknown as NodeRedisClient);
  }
  throw new SseError(
    'invalid-options',
    `The option "client" of redisBroker is a client of ${driver ?? 'ioredis or node-redis'}, not ${describeValue(client)}.`,
  );
}

function isNotInstalled(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}
