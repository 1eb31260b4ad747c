import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { pause } from '../support/within.js';
import { judge } from './oracle.js';
import { BlackHoleProxy, describeWithRedis, RedisServer } from './redis-server.js';
import type { Traffic } from './traffic.js';
import type { Verdict } from './verdict.js';

/** A short run by default; `SSE_CHAOS_MS=20000` for a long one over both drivers, `SSE_CHAOS_SEED` for the same again. */
const durationMs = Number(process.env['SSE_CHAOS_MS'] ?? 1_800);
const seed = Number(process.env['SSE_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const isLong = process.env['SSE_CHAOS_MS'] !== undefined;

interface Scenario {
  readonly name: string;
  readonly options?: readonly string[];
  readonly maxEvents?: number;
  /** Whether clients may be told of gaps at all. */
  readonly mayTellGaps?: boolean;
  /** Whether some followers are away before the fault, and owed so many events that they must lose some. */
  readonly loses?: boolean;
  readonly onFailover?: 'gap' | 'trust';
  readonly proxied?: boolean;
  readonly maxBufferedBytes?: number;
  readonly fault: (server: RedisServer, proxy: BlackHoleProxy | undefined) => Promise<unknown>;
  readonly pauseMs?: number;
}

const persistent = ['--appendonly', 'yes', '--appendfsync', 'everysec'];
/** The other way, Redis holds writes back for up to 2 s while the disk is busy, and a kill takes what was acknowledged. */
const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

const scenarios: readonly Scenario[] = [
  { name: 'nothing', fault: async () => {} },
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
    fault: restart,
  },
  { name: 'Redis killed, with AOF', options: persistent, mayTellGaps: true, pauseMs: 500, fault: restart },
  { name: 'Redis killed, without persistence', mayTellGaps: true, loses: true, pauseMs: 500, fault: restart },
  { name: 'FLUSHALL', mayTellGaps: true, fault: (server) => server.command('FLUSHALL') },
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
    mayTellGaps: true,
    loses: true,
    fault: (server) => server.command('CLIENT', 'KILL', 'TYPE', 'pubsub'),
  },
];

async function restart(server: RedisServer): Promise<void> {
  await server.kill();
  await pause(50);
  await server.launch();
}

describeWithRedis(`three nodes, resumes on any of them, and faults (SSE_CHAOS_SEED=${seed})`, () => {
  for (const [index, scenario] of scenarios.entries()) {
    const drivers: RedisDriverName[] = isLong
      ? ['redis', 'ioredis']
      : [(seed + index) % 2 === 0 ? 'redis' : 'ioredis'];
    it.each(drivers)(
      `loses nothing in silence: ${scenario.name}, over %s`,
      async (driver) => {
        const verdict = await run(scenario, driver);
        const { silentlyLost, duplicates, disorder } = verdict;
        if (isLong) process.stdout.write(`${scenario.name}, ${driver}: ${JSON.stringify(verdict)}\n`);
        expect({ silentlyLost, duplicates, disorder }).toEqual({
          silentlyLost: 0,
          duplicates: 0,
          disorder: 0,
        });
        if (scenario.mayTellGaps !== true) expect(verdict.gaps).toBe(0);
        if (scenario.loses === true) expect(verdict.announced).toBeGreaterThan(0);
      },
      durationMs + 120_000,
    );
  }
});

/** Lets the fault take events from followers that are away. */
async function lose(traffic: Traffic, fault: () => Promise<unknown>): Promise<void> {
  const away = await traffic.sendAway(8);
  await away.owed(10);
  await fault();
  away.release();
}

async function run(scenario: Scenario, driver: RedisDriverName): Promise<Verdict> {
  const { options, maxEvents, maxBufferedBytes, onFailover, proxied, fault, loses, pauseMs = 400 } = scenario;
  const server = await RedisServer.start(options);
  const proxy = proxied === true ? await BlackHoleProxy.start(server.port) : undefined;
  try {
    return await judge({
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
        if (loses === true) await lose(traffic, () => fault(server, proxy));
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
