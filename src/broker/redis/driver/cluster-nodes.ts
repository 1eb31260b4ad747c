import type { ClusterNodes, NodeAddress } from './cluster-topology.js';
import type { IoredisDriver } from './ioredis-driver.js';
import type { NodeRedisDriver } from './node-redis-driver.js';
import { loadIoredis, loadNodeRedis } from './libraries.js';

/**
 * Translates the addresses that cluster nodes announce to reachable ones, for example behind NAT. Both libraries
 * accept an object or a function.
 */
type AddressMap =
  | Readonly<Record<string, NodeAddress>>
  | ((address: string) => NodeAddress | null | undefined)
  | null
  | undefined;

/** The used part of an ioredis `Cluster`. */
export interface IoredisCluster {
  readonly options: { readonly redisOptions?: object; readonly natMap?: AddressMap };
  readonly startupNodes: readonly (string | number | object)[];
}

/** The used part of a node-redis `createCluster()`. */
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

/** Describes the cluster that contains the driver's address. */
export function clusterFromSeed(driver: IoredisDriver | NodeRedisDriver): ClusterNodes {
  return {
    seeds: [driver.address],
    mapAddress: (address) => address,
    driverFor: (address) => driver.withAddress(address),
  };
}

export async function ioredisClusterNodes({ options, startupNodes }: IoredisCluster): Promise<ClusterNodes> {
  const create = await loadIoredis();
  const { redisOptions } = options;
  const drivers = startupNodes.map((node) =>
    typeof node === 'object' ? create(undefined, { ...redisOptions, ...node }) : create(node, redisOptions),
  );
  return clusterNodes(drivers, options.natMap);
}

export async function nodeRedisClusterNodes({ _options: options }: NodeRedisCluster): Promise<ClusterNodes> {
  const create = await loadNodeRedis();
  const { rootNodes, defaults, nodeAddressMap } = options;
  const template = create({ ...defaults });
  return clusterNodes(
    rootNodes.map((node) => template.withAddress(create(node).address)),
    nodeAddressMap,
  );
}

function clusterNodes(drivers: readonly (IoredisDriver | NodeRedisDriver)[], map: AddressMap): ClusterNodes {
  return {
    seeds: drivers.map(({ address }) => address),
    mapAddress: (address) => {
      const announced = `${address.host}:${address.port}`;
      return (typeof map === 'function' ? map(announced) : map?.[announced]) ?? address;
    },
    driverFor: (address) => (drivers[0] as IoredisDriver | NodeRedisDriver).withAddress(address),
  };
}
