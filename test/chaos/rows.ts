import type { RedisBrokerOptions, RedisDriverName } from 'nestjs-simple-sse/redis';
import type { Told } from '../redis/follower.js';
import type { RedisServer } from '../redis/redis-server.js';
import { eventually, pause } from '../support/within.js';
import { positionAt, publishAt } from './http-publish.js';
import type { Scene, SceneOptions } from './scene.js';

/** One fault, and what clients may see of it. */
export interface Row extends SceneOptions {
  readonly name: string;
  /** `none`: nobody is told of a gap. `may`: somebody may be. `must`: somebody is, and `loses`: because it lost something. */
  readonly gaps: 'none' | 'may' | 'must' | 'loses';
  readonly broker?: Omit<RedisBrokerOptions, 'client' | 'url' | 'driver'>;
  readonly historyMaxEvents?: number;
  /** How wrong the clocks of the nodes are. */
  readonly clockShiftsMs?: readonly number[];
  readonly drivers?: readonly RedisDriverName[];
  /** What is done before there are clients. */
  readonly prepare?: (scene: Scene) => Promise<void>;
  readonly fault: (scene: Scene) => Promise<void>;
}

const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

export const ROWS: readonly Row[] = [
  { name: 'nothing', gaps: 'none', fault: async () => {} },
  { name: 'subscribers cut', gaps: 'none', fault: again(300, cut('pubsub')) },
  {
    name: 'all connections cut',
    gaps: 'none',
    fault: again(400, async (scene) => {
      await cut('pubsub')(scene);
      await cut('normal')(scene);
    }),
  },
  {
    name: 'CLIENT PAUSE ALL',
    gaps: 'none',
    fault: again(400, ({ redis }) => redis.command('CLIENT', 'PAUSE', '300', 'ALL')),
  },
  {
    name: 'Redis frozen',
    gaps: 'none',
    fault: again(300, async ({ redis }) => {
      redis.freeze();
      await pause(400);
      redis.thaw();
    }),
  },
  {
    name: 'connections half-open',
    gaps: 'none',
    fault: again(2_500, async ({ proxies }) => proxies.forEach((proxy) => proxy.swallow())),
  },
  {
    name: 'subscribers over their output limit',
    gaps: 'none',
    fault: again(300, async ({ redis }) => {
      await redis.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 300 0 0');
      await pause(60);
      await redis.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 0 0 0');
    }),
  },
  {
    name: 'SCRIPT FLUSH',
    gaps: 'none',
    fault: again(20, ({ redis }) => redis.command('SCRIPT', 'FLUSH')),
  },
  {
    name: 'Redis killed, with AOF',
    gaps: 'must',
    server: ['--appendonly', 'yes', '--appendfsync', 'everysec'],
    fault: again(700, restart),
  },
  {
    name: 'Redis killed, with AOF on every write, trusted',
    gaps: 'none',
    server: durable,
    broker: { onFailover: 'trust' },
    fault: again(700, restart),
  },
  {
    name: 'Redis killed, without persistence',
    gaps: 'loses',
    fault: async (scene) => {
      await losing(scene, () => restart(scene));
      await again(700, restart)(scene);
    },
  },
  {
    name: 'FLUSHALL',
    gaps: 'must',
    fault: again(500, ({ redis }) => redis.command('FLUSHALL')),
  },
  {
    name: 'history trimmed',
    gaps: 'loses',
    historyMaxEvents: 3,
    fault: (scene) => losing(scene, () => cut('pubsub')(scene)),
  },
  {
    name: 'Redis out of memory',
    gaps: 'none',
    fault: again(300, async ({ redis }) => {
      await redis.command('CONFIG', 'SET', 'maxmemory', '1000000');
      await pause(150);
      await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    }),
  },
  {
    name: 'a replica takes over without the last events',
    gaps: 'loses',
    with: 'replica',
    fault: (scene) =>
      losing(scene, async () => {
        const { redis, replica, proxies } = scene;
        for (const proxy of proxies) proxy.target = replica?.port ?? 0;
        await redis.kill();
      }),
  },
  {
    name: 'Sentinels promote the replica',
    gaps: 'must',
    with: 'sentinel',
    // node-redis connects to Sentinels with a client of another kind, which redisBroker does not take.
    drivers: ['ioredis'],
    fault: async (scene) => {
      await copied(scene.replica);
      await scene.redis.kill();
      await scene.sentinels?.promoted(scene.replica);
      await scene.fleet.allLive();
    },
  },
  { name: 'a node killed while it publishes', gaps: 'none', fault: again(300, killPublishingNode) },
  {
    name: 'a node frozen',
    gaps: 'none',
    fault: again(300, async ({ fleet }) => {
      fleet.node(1).freeze();
      await pause(2_000);
      fleet.node(1).thaw();
    }),
  },
  {
    name: 'clocks of the nodes 90 s behind and ahead',
    gaps: 'none',
    clockShiftsMs: [-90_000, 0, 90_000],
    fault: again(300, cut('pubsub')),
  },
  {
    name: 'the clock of Redis set back by 5 minutes',
    gaps: 'none',
    prepare: setBack,
    fault: again(300, cut('pubsub')),
  },
];

/** Does it once at least, and until there was enough traffic. */
function again(everyMs: number, fault: (scene: Scene) => Promise<unknown>): Row['fault'] {
  return async (scene) => {
    do {
      await pause(everyMs);
      await fault(scene);
    } while (!scene.traffic.isEnough());
  };
}

function cut(type: 'pubsub' | 'normal'): (scene: Scene) => Promise<unknown> {
  return ({ redis }) => redis.command('CLIENT', 'KILL', 'TYPE', type);
}

async function restart({ redis }: Scene): Promise<void> {
  await redis.kill();
  await pause(50);
  await redis.launch();
}

/**
 * The server's clock is not moved, but the memory's: as if positions had been given by a clock that was ahead until now.
 * Those that follow are greater, and are no times any more.
 */
async function setBack({ redis, fleet }: Scene): Promise<void> {
  // Which makes the memory, and afterwards tells all nodes.
  const publish = (text: string): Promise<number> => publishAt(fleet.node(0).url, ['*'], text);
  await publish('before');
  const script = `
    local memory, time = redis.call('KEYS', '*:m')[1], redis.call('TIME')
    redis.call('HSET', memory, 'g', string.format('%.0f', (time[1] + 300) * 1000000))
    return 'OK'`;
  await redis.command('EVAL', script, '0');
  const position = await publish('ahead');
  const haveHeard = async (): Promise<boolean> =>
    (await Promise.all([0, 1, 2].map((node) => positionAt(fleet.node(node).url)))).every(
      (heard) => heard >= position,
    );
  await eventually(haveHeard, 'all nodes ahead', 60_000);
}

/** Lets the fault take events from clients that are away, and that a replica does not get. */
async function losing({ traffic, replica }: Scene, fault: () => Promise<unknown>): Promise<void> {
  const away = await traffic.sendAway(8);
  if (replica !== undefined) {
    await copied(replica);
    await replica.command('REPLICAOF', 'NO', 'ONE');
  }
  await away.owed(10);
  await fault();
  away.release();
}

/** A replica is `up` before its master sends it what was written since its first copy. */
async function copied(replica: RedisServer | undefined): Promise<void> {
  await eventually(async () => (await replica?.command('DBSIZE')) !== ':0', 'the memory copied', 60_000);
}

/** A node dies when Redis has accepted its event, and it has not heard so; the publisher tries elsewhere. */
async function killPublishingNode({ fleet, proxies, traffic }: Scene): Promise<void> {
  const text = `in the middle ${Math.random()}`;
  proxies[0]?.mute();
  const published = traffic.publish(['*'], text, () => publishAt(fleet.node(0).url, ['*'], text));
  const isIt = (one: Told): boolean => one.kind === 'event' && one.text === text;
  const isHeard = (): boolean => traffic.followers.some(({ told }) => told.slice(-200).some(isIt));
  await eventually(isHeard, 'the event', 60_000);
  await fleet.node(0).kill();
  await published;
  await fleet.restart(0);
}
