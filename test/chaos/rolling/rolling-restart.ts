import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { seededRandom } from '../../../src/testing/seeded-random.js';
import { Judge } from '../../oracle/judge.js';
import { Publisher } from '../../oracle/publisher.js';
import { hasReceived } from '../../oracle/traffic-client.js';
import type { Verdict } from '../../oracle/verdict.js';
import { documentedPart, ProxyProcess } from '../../proxies/proxy-process.js';
import { freePort, RedisServer } from '../../redis/redis-server.js';
import { eventually, pause } from '../../support/within.js';
import { publishAt } from '../http-publish.js';
import { Connects } from './connects.js';
import { RollingClient } from './rolling-client.js';
import type { RollingMutant } from './rolling-config.js';
import { RollingNode } from './rolling-node.js';

export interface RollingOptions {
  /** The compiled application of the nodes. */
  readonly main: string;
  readonly seed: number;
  readonly driver: RedisDriverName;
  readonly clients: number;
  /** Nodes that are restarted, of three. */
  readonly restarts: number;
  readonly drainWindowMs: number;
  /** The window by which the peak is judged, where it is not that of the nodes. */
  readonly judgedWindowMs?: number;
  readonly mutant?: RollingMutant;
}

export interface RollingVerdict extends Verdict {
  readonly published: number;
  readonly connects: number;
  /** Clients that have given up. */
  readonly deadClients: number;
  /** The highest of the peaks of all restarts, see `Connects.peak`. */
  readonly peak: number;
}

const ROOMS = Array.from({ length: 6 }, (_, n) => `room ${n}`);
const RETRY_MS = { minMs: 200, maxMs: 1_200 };
/** A safety net for slow machines; nothing is measured by it. */
const TIMEOUT_MS = 60_000;

function isDone(client: RollingClient): boolean {
  return !client.isAlive || client.rooms.every((room) => hasReceived(client, `last of ${room}`));
}

/** Restarts node processes behind nginx one after the other, by SIGTERM, while events are published. */
export async function rollingRestart(options: RollingOptions): Promise<RollingVerdict> {
  const { main, seed, driver, clients: count, restarts, drainWindowMs, mutant } = options;
  const random = seededRandom(seed);
  const redis = await RedisServer.start();
  const nodes: RollingNode[] = [];
  const clients: RollingClient[] = [];
  const connects = new Connects();
  let proxy: ProxyProcess | undefined;
  try {
    const ports = [await freePort(), await freePort(), await freePort()];
    for (const [index, port] of ports.entries()) {
      const platform = index === 1 ? 'fastify' : 'express';
      const config = {
        platform,
        port,
        redisUrl: redis.url,
        driver,
        retryMs: RETRY_MS,
        drainWindowMs,
        mutant,
      } as const;
      nodes.push(new RollingNode(main, config));
    }
    await Promise.all(nodes.map((node) => node.start()));
    proxy = await ProxyProcess.start('nginx', ports, documentedPart('docs/08-production.md', 'nginx'));
    const { url } = proxy;
    for (let n = 0; n < count; n++) {
      const rooms = ROOMS.filter((_, index) => index === n % ROOMS.length || random() < 0.2);
      clients.push(new RollingClient(url, rooms, connects.add));
    }
    await eventually(() => clients.every(({ start }) => start !== undefined), 'all clients live', TIMEOUT_MS);

    const publisher = new Publisher({
      rooms: ROOMS,
      random,
      pauseMs: 20,
      attempt: (rooms, text) => publishAt(url, rooms, text),
    });
    let isOver = false;
    const publishing = ['a', 'b'].map((name) => publisher.publishUntil(() => isOver, name));
    let peak = 0;
    for (const node of nodes.slice(0, restarts)) {
      const from = connects.count;
      await node.terminate();
      await node.start();
      await pause(RETRY_MS.maxMs);
      const evenMs = (options.judgedWindowMs ?? drainWindowMs) + RETRY_MS.maxMs - RETRY_MS.minMs;
      peak = Math.max(peak, connects.peak(from, evenMs));
    }
    isOver = true;
    await Promise.all(publishing);
    await Promise.all(ROOMS.map((room) => publisher.publish([room], `last of ${room}`)));
    await eventually(() => clients.every(isDone), 'the last events', TIMEOUT_MS).catch(() => {});

    const judge = new Judge();
    for (const event of publisher.events) judge.add(event);
    return {
      ...judge.judge(clients),
      published: publisher.count,
      connects: connects.count,
      deadClients: clients.filter(({ isAlive }) => !isAlive).length,
      peak,
    };
  } finally {
    connects.stop();
    for (const client of clients) client.close();
    await Promise.all(nodes.map((node) => node.kill()));
    await proxy?.stop();
    await redis.dispose();
  }
}
