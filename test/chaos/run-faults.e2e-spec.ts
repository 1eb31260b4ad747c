import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { BlackHoleProxy } from '../redis/black-hole-proxy.js';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { chosenChaosSeed } from '../support/seeds.js';
import { eventually, pause } from '../support/within.js';
import { Fleet } from './fleet.js';
import type { RunMutant } from './node/run-mutants.js';
import { playRuns, type RunMoments, type RunPlay, type RunPlayVerdict } from './runs/play-runs.js';

/** `SSE_RUN_FAULTS_MS=180000` plays the long form: as many milliseconds with each library. */
const LONG = process.env['SSE_RUN_FAULTS_MS'];
const LEASE_MS = 3_000;
const DRIVERS: RedisDriverName[] = LONG === undefined ? ['ioredis'] : ['redis', 'ioredis'];

type RunFault = (moments: RunMoments) => Promise<unknown>;

describeWithRedis('runs on three node processes', () => {
  let fleet: Fleet;
  let redis: RedisServer;
  let proxies: BlackHoleProxy[];

  beforeAll(async () => {
    fleet = new Fleet();
    redis = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', 'always']);
    proxies = await Promise.all([0, 1, 2].map(() => BlackHoleProxy.start(redis.port)));
  }, 120_000);
  afterEach(() => fleet.stop(), 60_000);
  afterAll(async () => {
    await fleet.dispose();
    for (const proxy of proxies) proxy.close();
    await redis.dispose();
  });

  /** Kills the process of a node, and starts another one. */
  const kill = async (node: number, { nodeFaults }: RunMoments): Promise<void> => {
    nodeFaults.push({ node, atMs: performance.now() });
    await fleet.node(node).kill();
    await fleet.restart(node);
  };
  /** Freezes a node that produces a run until its lease is lost, and another node has started the run again. */
  const freeze = async (node: number, moments: RunMoments): Promise<void> => {
    await moments.playEndless(node);
    const before = moments.takenOver;
    const atMs = performance.now();
    moments.nodeFaults.push({ node, atMs });
    moments.frozen = node;
    fleet.node(node).freeze();
    await pause(LEASE_MS + 200);
    // Clients that wait for the frozen node come back after its silence: on a busy machine that takes a while.
    while (moments.takenOver === before && performance.now() < atMs + 60_000) await pause(50);
    fleet.node(node).thaw();
    moments.frozen = undefined;
  };
  /** Each kind of fault once, some of them while a node is frozen. */
  const shortFaults: RunFault = async (moments) => {
    await pause(500);
    const freezing = freeze(0, moments);
    await eventually(() => moments.producedBy(1) > 0, 'a run of a node', 60_000);
    await kill(1, moments);
    proxies[2]?.cut();
    await freezing;
    await redis.restart();
    await pause(300);
    proxies[2]?.swallow();
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
  };
  /** Faults at random nodes, in a random order. */
  const longFaults: readonly RunFault[] = [
    () => redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    () => redis.restart(),
    async ({ random }) => proxies[Math.floor(3 * random())]?.swallow(),
    (moments) => kill(Math.floor(3 * moments.random()), moments),
    (moments) => freeze(Math.floor(3 * moments.random()), moments),
    async ({ random }) => proxies[Math.floor(3 * random())]?.cut(),
    async ({ random }) => proxies[Math.floor(3 * random())]?.mute(),
    async ({ random }) => {
      redis.freeze();
      await pause(2_000 * random());
      redis.thaw();
    },
    async ({ random }) => {
      await redis.kill();
      await pause(1_500 * random());
      await redis.launch();
    },
  ];

  const play = async (
    driver: RedisDriverName,
    { mutant, ...options }: Partial<RunPlay> & Pick<RunPlay, 'faults'> & { mutant?: RunMutant },
  ): Promise<RunPlayVerdict> => {
    await fleet.start((node) => ({
      platform: node === 1 ? 'fastify' : 'express',
      broker: {
        url: proxies[node]?.url ?? '',
        driver,
        partitions: 2,
        onFailover: 'trust',
        connectTimeoutMs: 1_000,
        publishTimeoutMs: 1_500,
      },
      runLeaseMs: LEASE_MS,
      historyMaxEvents: 100,
      clockShiftMs: 0,
      mutant,
    }));
    await fleet.allLive();
    const seed = chosenChaosSeed();
    return playRuns({
      fleet,
      redis,
      proxies,
      seed,
      lanes: 8,
      maxEvents: 2_000,
      maxDurationMs: LONG === undefined ? 3_000 : 6_000,
      patienceMs: 60_000,
      ...options,
    });
  };

  it.each(DRIVERS)(
    'give each client exactly what was accepted, once and in order, and one end, while nodes are killed and frozen and Redis is cut, over %s',
    async (driver) => {
      const endMs = performance.now() + Number(LONG ?? 0);
      const verdict = await play(driver, {
        faults: async (moments) => {
          await shortFaults(moments);
          while (performance.now() < endMs && moments.broken.length === 0) {
            await longFaults[Math.floor(moments.random() * longFaults.length)]?.(moments);
            await pause(1_500 * moments.random());
          }
        },
      });
      process.stdout.write(`runs of three nodes over ${driver}: ${JSON.stringify(verdict)}\n`);
      expect(verdict.broken).toEqual([]);
      expect(verdict.takenOver).toBeGreaterThan(0);
      expect(verdict.ends['failed lease']).toBeGreaterThan(0);
      expect(verdict.longestEndMs).toBeLessThan(LEASE_MS + 20_000);
    },
    120_000 + Number(LONG ?? 0) * 2,
  );

  const mutants: [RunMutant, Partial<RunPlay> & Pick<RunPlay, 'faults'>][] = [
    ['stores the end as an event that can be trimmed', { patienceMs: 2_000, faults: untilFound }],
    ['merges events across an id', { faults: untilFound }],
  ];
  // These take longer, and runs-oracle.spec.ts has them for the store.
  if (LONG !== undefined) {
    mutants.push(
      ['has no fence', { faults: async (moments) => freeze(0, moments).then(() => untilFound(moments)) }],
      // Runs that end before a client that has read them has a subscription.
      ['listens after its first read', { patienceMs: 5_000, maxDurationMs: 600, faults: untilFound }],
    );
  }
  it.each(mutants)(
    'the oracle finds a node that %s',
    async (mutant, options) => {
      const { broken } = await play('ioredis', { mutant, ...options });
      expect(broken).not.toEqual([]);
    },
    120_000,
  );
});

function untilFound({ broken }: RunMoments): Promise<void> {
  return eventually(() => broken.length > 0, 'a broken promise', 60_000);
}
