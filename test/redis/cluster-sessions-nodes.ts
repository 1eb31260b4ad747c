import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import { partitionTags } from '../../src/broker/redis/driver/cluster-slot.js';
import { sessionApp } from '../sessions/session-app.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { RedisCluster } from './redis-cluster.js';
import { waitForSync } from './replica.js';

const PARTITIONS = 3;
/** The partition that carries sessions and commands. */
const SESSIONS_TAG = partitionTags(PARTITIONS)[0] as string;

/** Two nodes with sessions over a Redis Cluster of three masters. */
export class ClusterSessionsNodes {
  readonly #cluster: RedisCluster;
  readonly one: RunningApp;
  readonly two: RunningApp;

  private constructor(cluster: RedisCluster, one: RunningApp, two: RunningApp) {
    this.#cluster = cluster;
    this.one = one;
    this.two = two;
  }

  static async start(driver: RedisDriverName, options: SseModuleOptions = {}): Promise<ClusterSessionsNodes> {
    const cluster = await RedisCluster.start();
    const broker = () =>
      redisBroker({
        url: cluster.url,
        cluster: true,
        driver,
        partitions: PARTITIONS,
        onFailover: 'trust',
        probeIntervalMs: 250,
      });
    const one = await express.start(sessionApp({ broker: broker(), ...options }));
    const two = await fastify.start(sessionApp({ broker: broker(), ...options }));
    return new ClusterSessionsNodes(cluster, one, two);
  }

  /** Starts a replica of the master that carries sessions and commands. Resolves when it is in sync. */
  async replicate(): ReturnType<RedisCluster['replicate']> {
    const replicated = await this.#cluster.replicate(SESSIONS_TAG);
    await waitForSync(replicated.replica);
    return replicated;
  }

  async close(): Promise<void> {
    await this.one.close();
    await this.two.close();
    await this.#cluster.dispose();
  }
}
