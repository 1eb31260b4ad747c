import type { ClusterNodes, NodeAddress } from './cluster-topology.js';
import type { IoredisDriver } from './ioredis-driver.js';
import type { NodeRedisDriver } from './node-redis-driver.js';
import { loadIoredis, loadNodeRedis } from './libraries.js';

/** From the addresses that nodes of a cluster name to those that reach them; an object or a function in both libraries. */
type AddressMap =
  | Readonly<Record<string, NodeAddress>>
  | ((address: string) => NodeAddress | null | undefined)
  | null
  | undefined;

/** What is used of an ioredis `Cluster`. */
export interface IoredisCluster {
  readonly options: { readonly redisOptions?: object; readonly natMap?: AddressMap };
  readonly startupNodes: readonly (string | number | object)[];
}

/** What is used of a `createCluster()` of node-redis. */
export interface NodeRedisCluster {
  readonly _options: {
    readonly rootNodes: readonly object[];
    readonly defaults?: { readonly socket?: object };
    readonly nodeAddressMap?: AddressMap;
  };
}

export function isIoredisCluster(client: object): client is IoredisCluster {
  const { isCluster, startupNodes } = client as { isCluster?: unknown; startupNodes?: unknown };
  return isCluster === true && Array.isArray(startupNodes);
}

export function isNodeRedisCluster(client: object): client is NodeRedisCluster {
  const { _options: options } = client as { _options?: { rootNodes?: unknown } };
  return Array.isArray(options?.rootNodes);
}

/** The cluster of which a driver's address is one node. */
export function nodesAround(driver: IoredisDriver | NodeRedisDriver): ClusterNodes {
  return { seeds: [driver.address], mapped: (address) => address, driverOf: (address) => driver.at(address) };
}

export async function nodesOfIoredis({ options, startupNodes }: IoredisCluster): Promise<ClusterNodes> {
  const create = await loadIoredis();
  const { redisOptions } = options;
  const drivers = startupNodes.map((node) =>
    typeof node === 'object' ? create(undefined, { ...redisOptions, ...node }) : create(node, redisOptions),
  );
  return nodesOf(drivers, options.natMap);
}

export async function nodesOfNodeRedis({ _options: options }: NodeRedisCluster): Promise<ClusterNodes> {
  const create = await loadNodeRedis();
  const { rootNodes, defaults, nodeAddressMap } = options;
  const template = create({ ...defaults });
  return nodesOf(
    rootNodes.map((node) => template.at(create(node).address)),
    nodeAddressMap,
  );
}

function nodesOf(drivers: readonly (IoredisDriver | NodeRedisDriver)[], map: AddressMap): ClusterNodes {
  return {
    seeds: drivers.map(({ address }) => address),
    mapped: (address) => {
      const name = `${address.host}:${address.port}`;
      return (typeof map === 'function' ? map(name) : map?.[name]) ?? address;
    },
    driverOf: (address) => (drivers[0] as IoredisDriver | NodeRedisDriver).at(address),
  };
}
