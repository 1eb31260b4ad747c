import { IoredisDriver } from './ioredis-driver.js';
import { NodeRedisDriver, type NodeRedisClient } from './node-redis-driver.js';

// A library is loaded only where it is needed. What it makes here is never connected: connections are its duplicates.

/** @returns makes a driver from a port or URL, if there is one, and options of ioredis */
export async function loadIoredis(): Promise<
  (target: string | number | undefined, options?: object) => IoredisDriver
> {
  const { Redis } = await import('ioredis');
  return (target, given) => {
    const options = { ...given, lazyConnect: true };
    const parts = target === undefined ? [options] : [target, options];
    return new IoredisDriver(new Redis(...(parts as [string, object])));
  };
}

/** @returns makes a driver from options of node-redis */
export async function loadNodeRedis(): Promise<(options: object) => NodeRedisDriver> {
  const { createClient } = await import('redis');
  return (options) => new NodeRedisDriver(createClient({ ...options }) as unknown as NodeRedisClient);
}
