import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { EXACT_ON_BROKER, runBrokerOracle } from '../oracle/broker-oracle.js';
import type { Traffic, TrafficVerdict } from '../oracle/traffic.js';
import { pause } from '../support/within.js';
import { chosenChaosSeed } from '../support/seeds.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** Runs briefly by default; `SSE_CHAOS_MS=20000` runs long over both drivers, `SSE_CHAOS_SEED` repeats a run. */
const durationMs = Number(process.env['SSE_CHAOS_MS'] ?? 1_800);
const seed = chosenChaosSeed();
const isLong = process.env['SSE_CHAOS_MS'] !== undefined;

interface Scenario {
  readonly name: string;
  readonly options?: readonly string[];
  readonly maxEvents?: number;
  /** Allows clients to receive gaps. */
  readonly allowsGaps?: boolean;
  /** Detaches some clients before the fault, which miss so many events that they must lose some. */
  readonly loses?: boolean;
  readonly onFailover?: 'gap' | 'trust';
  readonly proxied?: boolean;
  readonly maxBufferedBytes?: number;
  readonly fault: (server: RedisServer, proxy: BlackHoleProxy | undefined) => Promise<unknown>;
  readonly pauseMs?: number;
}

const persistent = ['--appendonly', 'yes', '--appendfsync', 'everysec'];
/** With `everysec`, Redis delays writes for up to 2 s while the disk is busy, and a kill loses acknowledged events. */
const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

const scenarios: readonly Scenario[] = [
  { name: 'no fault', fault: async () => {} },
  { name: 'subscribers cut', fault: (server) => server.command('CLIENT', 'KILL', 'TYPE', 'pubsub') },
  {
    name: 'all clients cut',
    fault: async (server) => {
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
    },
  },
  { name: 'commands paused', fault: (server) => server.command('CLIENT', 'PAUSE', '300', 'ALL') },
  { name: 'writes paused', fault: (server) => server.command('CLIENT', 'PAUSE', '300', 'WRITE') },
  {
    name: 'Redis frozen',
    pauseMs: 300,
    fault: async (server) => {
      server.freeze();
      await pause(350);
      server.thaw();
    },
  },
  {
    name: 'connections half-open',
    proxied: true,
    pauseMs: 1_500,
    fault: async (_server, proxy) => proxy?.swallow(),
  },
  { name: 'scripts forgotten', pauseMs: 20, fault: (server) => server.command('SCRIPT', 'FLUSH') },
  {
    name: 'Redis killed, with AOF on every write, trusted',
    options: durable,
    onFailover: 'trust',
    pauseMs: 500,
    fault: (server) => server.restart(),
  },
  {
    name: 'Redis killed, with AOF',
    options: persistent,
    allowsGaps: true,
    pauseMs: 500,
    fault: (server) => server.restart(),
  },
  {
    name: 'Redis killed, without persistence',
    allowsGaps: true,
    loses: true,
    pauseMs: 500,
    fault: (server) => server.restart(),
  },
  { name: 'FLUSHALL', allowsGaps: true, fault: (server) => server.command('FLUSHALL') },
  {
    name: 'subscribers over their output limit',
    fault: async (server) => {
      await server.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 300 0 0');
      await pause(60);
      await server.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 0 0 0');
    },
  },
  {
    name: 'Redis out of memory',
    fault: async (server) => {
      await server.command('CONFIG', 'SET', 'maxmemory', '1000000');
      await pause(100);
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
    },
  },
  {
    name: 'little memory in the nodes',
    maxBufferedBytes: 150,
    fault: (server) => server.command('CLIENT', 'KILL', 'TYPE', 'pubsub'),
  },
  {
    name: 'history trimmed',
    maxEvents: 3,
    allowsGaps: true,
    loses: true,
    fault: (server) => server.command('CLIENT', 'KILL', 'TYPE', 'pubsub'),
  },
];

describeWithRedis(`clients that resume on any of three nodes during a fault (SSE_CHAOS_SEED=${seed})`, () => {
  for (const [index, scenario] of scenarios.entries()) {
    const drivers: RedisDriverName[] = isLong
      ? ['redis', 'ioredis']
      : [(seed + index) % 2 === 0 ? 'redis' : 'ioredis'];
    it.each(drivers)(
      `lose nothing silently with ${scenario.name}, over %s`,
      async (driver) => {
        const verdict = await run(scenario, driver);
        if (isLong) process.stdout.write(`${scenario.name}, ${driver}: ${JSON.stringify(verdict)}\n`);
        expect(verdict).toMatchObject(EXACT_ON_BROKER);
        if (scenario.allowsGaps !== true) expect(verdict.gaps).toBe(0);
        if (scenario.loses === true) expect(verdict.announcedLosses).toBeGreaterThan(0);
      },
      durationMs + 120_000,
    );
  }
});

/** Injects a fault that takes events from detached clients. */
async function loseEvents(traffic: Traffic, fault: () => Promise<unknown>): Promise<void> {
  const detached = await traffic.holdDetached(8);
  await detached.published(10);
  await fault();
  detached.release();
}

async function run(scenario: Scenario, driver: RedisDriverName): Promise<TrafficVerdict> {
  const { options, maxEvents, maxBufferedBytes, onFailover, proxied, fault, loses, pauseMs = 400 } = scenario;
  const server = await RedisServer.start(options);
  const proxy = proxied === true ? await BlackHoleProxy.start(server.port) : undefined;
  try {
    return await runBrokerOracle({
      seed,
      durationMs: proxied === true ? Math.max(durationMs, 4_000) : durationMs,
      maxEvents,
      createBroker: () =>
        redisBroker({
          url: proxy?.url ?? server.url,
          driver,
          onFailover,
          maxBufferedBytes,
          connectTimeoutMs: 1_000,
          publishTimeoutMs: 800,
          probeIntervalMs: 250,
        }),
      fault: async (traffic) => {
        if (loses === true) await loseEvents(traffic, () => fault(server, proxy));
        while (!traffic.isEnough()) {
          await pause(pauseMs);
          await fault(server, proxy);
        }
      },
    });
  } finally {
    proxy?.close();
    await server.dispose();
  }
}
