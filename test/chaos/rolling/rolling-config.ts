import type { RetryRange } from 'nestjs-simple-sse';
import type { RedisDriverName } from 'nestjs-simple-sse/redis';

/** A fault put into the nodes, which the oracle must find. */
export type RollingMutant = 'refuses with a status';

/** Configuration of one node process. */
export interface RollingConfig {
  readonly platform: 'express' | 'fastify';
  readonly port: number;
  readonly redisUrl: string;
  readonly driver: RedisDriverName;
  readonly retryMs: RetryRange;
  readonly drainWindowMs: number;
  readonly mutant?: RollingMutant | undefined;
}
