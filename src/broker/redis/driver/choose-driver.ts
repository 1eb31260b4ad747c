import { describeValue } from '../../../protocol/error-text.js';
import { SseError } from '../../../protocol/sse-error.js';
import { ClusterDriver } from './cluster-driver.js';
import {
  isIoredisCluster,
  isNodeRedisCluster,
  clusterFromSeed,
  ioredisClusterNodes,
  nodeRedisClusterNodes,
} from './cluster-nodes.js';
import { ClusterTopology, type ClusterNodes } from './cluster-topology.js';
import { IoredisDriver, type IoredisClient } from './ioredis-driver.js';
import { loadIoredis, loadNodeRedis } from './libraries.js';
import { NodeRedisDriver, type NodeRedisClient } from './node-redis-driver.js';
import { SlotClaims } from '../fencing/slot-claims.js';
import type { RedisDriverName, ResolvedRedisOptions } from '../redis-broker-options.js';
import type { RedisDriver } from './redis-driver.interface.js';

/**
 * Returns the driver for a partition, given the cluster slot of its keys. Without a cluster all slots share one
 * driver.
 */
export type DriverForSlot = (slot: number) => RedisDriver;

const LIBRARIES: Readonly<
  Record<RedisDriverName, (url: string) => Promise<IoredisDriver | NodeRedisDriver>>
> = {
  redis: async (url) => (await loadNodeRedis())({ url }),
  ioredis: async (url) => (await loadIoredis())(url),
};

/**
 * Creates the drivers for the `client` or `url` of the options. A library is loaded only if a `url` or a cluster
 * needs it.
 *
 * @throws SseError `invalid-options` if the client is of no supported library or no library is installed
 */
export async function chooseDriver(options: ResolvedRedisOptions): Promise<DriverForSlot> {
  const { client, url = '', driver, cluster, connectTimeoutMs } = options;
  const clusterDrivers = (nodes: ClusterNodes): DriverForSlot => {
    const topology = new ClusterTopology(nodes, connectTimeoutMs);
    const claims = new SlotClaims(topology);
    return (slot) => new ClusterDriver(topology, slot, claims);
  };
  if (client !== undefined) {
    const nodes = await findClusterNodes(client, driver);
    if (nodes !== undefined) return clusterDrivers(nodes);
  }
  const singleDriver =
    client === undefined ? await createDriverFromUrl(url, driver) : createDriverFromClient(client, driver);
  return cluster ? clusterDrivers(clusterFromSeed(singleDriver)) : () => singleDriver;
}

async function createDriverFromUrl(
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

/** @returns `undefined` for a client that is no cluster client of either library */
async function findClusterNodes(
  client: object,
  driver: RedisDriverName | undefined,
): Promise<ClusterNodes | undefined> {
  if (driver !== 'redis' && isIoredisCluster(client)) {
    return ioredisClusterNodes(client);
  }
  if (driver !== 'ioredis' && isNodeRedisCluster(client)) {
    return nodeRedisClusterNodes(client);
  }
  return undefined;
}

function createDriverFromClient(
  client: object,
  driver: RedisDriverName | undefined,
): IoredisDriver | NodeRedisDriver {
  if ('getMasterNode' in client) {
    throw new SseError(
      'invalid-options',
      'redisBroker does not support a Sentinel client of node-redis: use an ioredis client with `sentinels`.',
    );
  }
  // `call` exists in ioredis only, `isOpen` in node-redis only.
  if (driver !== 'redis' && 'call' in client && 'disconnect' in client) {
    return new IoredisDriver(client as unknown as IoredisClient);
  }
  if ('nodeClient' in client) {
    throw new SseError(
      'invalid-options',
      'This version of node-redis does not expose the options of its cluster client: update `redis` to 5.6 or later, or use ' +
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
