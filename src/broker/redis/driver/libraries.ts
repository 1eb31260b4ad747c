import { IoredisDriver } from './ioredis-driver.js';
import { NodeRedisDriver, type NodeRedisClient } from './node-redis-driver.js';

/**
 * Loads ioredis when it is first needed. The clients created here are templates and never connect.
 *
 * @returns creates a driver from an optional port or URL and ioredis options
 */
export async function loadIoredis(): Promise<
  (target: string | number | undefined, options?: object) => IoredisDriver
> {
  const { Redis } = await import('ioredis');
  return (target, given) => {
    const options = { ...given, lazyConnect: true };
    const args = target === undefined ? [options] : [target, options];
    return new IoredisDriver(new Redis(...(args as [string, object])));
  };
}

/**
 * Loads node-redis when it is first needed. The clients created here are templates and never connect.
 *
 * @returns creates a driver from node-redis options
 */
export async function loadNodeRedis(): Promise<(options: object) => NodeRedisDriver> {
  const { createClient } = await import('redis');
  return (options) => new NodeRedisDriver(createClient({ ...options }) as unknown as NodeRedisClient);
}
