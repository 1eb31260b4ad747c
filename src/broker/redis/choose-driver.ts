import { describe } from '../../protocol/event-fields.js';
import { SseError } from '../../protocol/sse-error.js';
import { IoredisDriver, type IoredisClient } from './ioredis-driver.js';
import { NodeRedisDriver, type NodeRedisClient } from './node-redis-driver.js';
import type { RedisBrokerOptions, RedisDriverName } from './redis-broker-options.js';
import type { RedisDriver } from './redis-driver.interface.js';

/** Loads a library and makes a client that is not connected and never will be: connections are its duplicates. */
const LIBRARIES: Readonly<Record<RedisDriverName, (url: string) => Promise<RedisDriver>>> = {
  redis: async (url) => {
    const { createClient } = await import('redis');
    return new NodeRedisDriver(createClient({ url }) as unknown as NodeRedisClient);
  },
  ioredis: async (url) => {
    const { Redis } = await import('ioredis');
    return new IoredisDriver(new Redis(url, { lazyConnect: true }));
  },
};

/**
 * The driver for what the options name. A library is loaded only here, and only where a `url` needs one.
 *
 * @throws SseError `invalid-options` where the client is not known or no library is installed
 */
export async function chooseDriver({ client, url = '', driver }: RedisBrokerOptions): Promise<RedisDriver> {
  if (client !== undefined) return driverOf(client, driver);
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

function driverOf(client: object, driver: RedisDriverName | undefined): RedisDriver {
  if ('isCluster' in client && client.isCluster === true) {
    throw new SseError('invalid-options', 'redisBroker does not work with a Redis Cluster client yet.');
  }
  // Each has a method that the other has not.
  if (driver !== 'redis' && 'call' in client && 'disconnect' in client) {
    return new IoredisDriver(client as unknown as IoredisClient);
  }
  if (driver !== 'ioredis' && 'sendCommand' in client && 'isOpen' in client) {
    return new NodeRedisDriver(client as unknown as NodeRedisClient);
  }
  throw new SseError(
    'invalid-options',
    `The option "client" of redisBroker is a client of ${driver ?? 'ioredis or node-redis'}, not ${describe(client)}.`,
  );
}

function isNotInstalled(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}
