import { pause } from '../support/within.js';
import { waitForCopy } from '../redis/replica.js';
import {
  cut,
  killPublishingNode,
  loseEvents,
  repeat,
  restart,
  setClockAhead,
  splitRepeatedly,
  splitServersRepeatedly,
} from './faults.js';
import type { Scenario } from './scenario.js';

const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

export const SCENARIOS: readonly Scenario[] = [
  { name: 'no fault', gaps: 'none', fault: async () => {} },
  { name: 'subscribers cut', gaps: 'none', fault: repeat(300, cut('pubsub')) },
  {
    name: 'all connections cut',
    gaps: 'none',
    fault: repeat(400, async (run) => {
      await cut('pubsub')(run);
      await cut('normal')(run);
    }),
  },
  {
    name: 'CLIENT PAUSE ALL',
    gaps: 'none',
    fault: repeat(400, ({ redis }) => redis.command('CLIENT', 'PAUSE', '300', 'ALL')),
  },
  {
    name: 'Redis frozen',
    gaps: 'none',
    fault: repeat(300, async ({ redis }) => {
      redis.freeze();
      await pause(400);
      redis.thaw();
    }),
  },
  {
    name: 'connections half-open',
    gaps: 'none',
    fault: repeat(2_500, async ({ proxies }) => proxies.forEach((proxy) => proxy.swallow())),
  },
  {
    name: 'subscribers over their output limit',
    gaps: 'none',
    fault: repeat(300, async ({ redis }) => {
      await redis.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 300 0 0');
      await pause(60);
      await redis.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 0 0 0');
    }),
  },
  {
    name: 'SCRIPT FLUSH',
    gaps: 'none',
    fault: repeat(20, ({ redis }) => redis.command('SCRIPT', 'FLUSH')),
  },
  {
    name: 'Redis killed, with AOF',
    gaps: 'must',
    server: ['--appendonly', 'yes', '--appendfsync', 'everysec'],
    fault: repeat(700, restart),
  },
  {
    name: 'Redis killed, with AOF on every write, trusted',
    gaps: 'none',
    server: durable,
    broker: { onFailover: 'trust' },
    fault: repeat(700, restart),
  },
  {
    name: 'Redis killed, without persistence',
    gaps: 'loses',
    fault: async (run) => {
      await loseEvents(run, () => restart(run));
      await repeat(700, restart)(run);
    },
  },
  {
    name: 'FLUSHALL',
    gaps: 'must',
    fault: repeat(500, ({ redis }) => redis.command('FLUSHALL')),
  },
  {
    name: 'history trimmed',
    gaps: 'loses',
    historyMaxEvents: 3,
    fault: (run) => loseEvents(run, () => cut('pubsub')(run)),
  },
  {
    name: 'Redis out of memory',
    gaps: 'none',
    fault: repeat(300, async ({ redis }) => {
      await redis.command('CONFIG', 'SET', 'maxmemory', '1000000');
      await pause(150);
      await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    }),
  },
  {
    name: 'a replica takes over without the last events',
    // Nodes publish them again where they can, so that none may be lost.
    gaps: 'must',
    with: 'replica',
    fault: (run) =>
      loseEvents(run, async () => {
        const { redis, replica, proxies } = run;
        for (const proxy of proxies) proxy.target = replica?.port ?? 0;
        await redis.kill();
      }),
  },
  {
    name: 'two masters at once',
    gaps: 'must',
    with: 'replica',
    hasTwoMasters: true,
    hasPresence: true,
    fault: splitRepeatedly,
  },
  {
    name: 'two masters under Sentinels',
    gaps: 'must',
    with: 'split sentinel',
    hasTwoMasters: true,
    hasPresence: true,
    drivers: ['ioredis'],
    fault: splitServersRepeatedly,
  },
  {
    name: 'two masters of one slot of a Cluster',
    gaps: 'must',
    with: 'split cluster',
    hasTwoMasters: true,
    hasPresence: true,
    fault: splitServersRepeatedly,
  },
  {
    name: 'Sentinels promote the replica',
    gaps: 'must',
    with: 'sentinel',
    // redisBroker does not accept the client that node-redis connects to Sentinels with.
    drivers: ['ioredis'],
    fault: async (run) => {
      await waitForCopy(run.replica);
      await run.redis.kill();
      await run.sentinels?.promoted(run.replica);
      await run.fleet.allLive();
    },
  },
  { name: 'a node killed while it publishes', gaps: 'none', fault: repeat(300, killPublishingNode) },
  {
    name: 'a node frozen',
    gaps: 'none',
    fault: repeat(300, async ({ fleet }) => {
      fleet.node(1).freeze();
      await pause(2_000);
      fleet.node(1).thaw();
    }),
  },
  {
    name: 'clocks of the nodes 90 s behind and ahead',
    gaps: 'none',
    clockShiftsMs: [-90_000, 0, 90_000],
    fault: repeat(300, cut('pubsub')),
  },
  {
    name: 'the clock of Redis set back by 5 minutes',
    gaps: 'none',
    prepare: setClockAhead,
    fault: repeat(300, cut('pubsub')),
  },
];
