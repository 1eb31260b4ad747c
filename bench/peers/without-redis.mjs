import { redisVersion } from '../lib/redis-server.mjs';

/** @returns {string | undefined} why a peer that needs Redis cannot run here */
export const withoutRedis = () =>
  redisVersion() === undefined ? 'redis-server is not on the PATH' : undefined;
