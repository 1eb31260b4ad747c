import type { RunStore } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { RunTraffic, type RunTrafficOptions, type RunVerdict } from '../oracle/run-traffic.js';
import { chosenSeed } from '../support/seeds.js';
import { pause } from '../support/within.js';
import { BlackHoleProxy } from './black-hole-proxy.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** Repetitions with a new seed each; the environment variable makes the long row. */
const ROUNDS = Number(process.env['SSE_RUN_ROUNDS'] ?? 1);
const POLICY = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 100, maxAgeMs: 60_000 }) };
const drivers: RedisDriverName[] = ['redis', 'ioredis'];

interface Play extends Partial<RunTrafficOptions> {
  readonly driver?: RedisDriverName;
  readonly hasFaults?: boolean;
  readonly mutate?: (store: RunStore) => Partial<RunStore>;
}

/** Plays runs on three nodes. With faults Redis is killed and started again, and connections are cut. */
async function play({
  driver = 'ioredis',
  hasFaults = false,
  mutate,
  ...options
}: Play): Promise<RunVerdict> {
  const server = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', 'always']);
  const proxies = await Promise.all([0, 1, 2].map(() => BlackHoleProxy.start(server.port)));
  const brokers = proxies.map(({ url }) =>
    redisBroker({ url, driver, connectTimeoutMs: 2_000, publishTimeoutMs: 2_000 }),
  );
  const over = new AbortController();
  const faults = async (): Promise<void> => {
    for (let n = 0; !over.signal.aborted; n++) {
      await pause(400);
      if (n % 4 === 3) await server.restart();
      else proxies[n % 3]?.cut();
    }
  };
  try {
    for (const broker of brokers) await broker.start(POLICY, new RecordingListener());
    const stores = brokers.map(({ runs }) => mutated(runs as RunStore, mutate));
    const traffic = new RunTraffic({
      seed: chosenSeed(),
      stores,
      runs: 10,
      maxEntries: 400,
      leaseMs: 2_000,
      followersPerRun: 4,
      patienceMs: 60_000,
      ...options,
    });
    const faulting = hasFaults ? faults() : undefined;
    const verdict = await traffic.play().finally(() => over.abort());
    await faulting;
    return verdict;
  } finally {
    over.abort();
    for (const broker of brokers) await broker.close();
    for (const proxy of proxies) proxy.close();
    await server.dispose();
  }
}

function mutated(store: RunStore, mutate: Play['mutate']): RunStore {
  const same: RunStore = {
    start: (start) => store.start(start),
    append: (lease, after, entries) => store.append(lease, after, entries),
    renew: (lease) => store.renew(lease),
    end: (lease, state, reason) => store.end(lease, state, reason),
    requestStop: (run) => store.requestStop(run),
    read: (read) => store.read(read),
    onChange: (run, listener) => store.onChange(run, listener),
  };
  return Object.assign(same, mutate?.(store));
}

describeWithRedis('runs of three nodes', () => {
  it.each(drivers)(
    'give each follower exactly the accepted entries, in order, and one end, while Redis is cut and restarted, over %s',
    async (driver) => {
      for (let round = 0; round < ROUNDS; round++) {
        const verdict = await play({ driver, hasFaults: true, seed: chosenSeed() + round });
        process.stdout.write(`runs over ${driver}: ${JSON.stringify(verdict)}\n`);
        expect(verdict.broken).toEqual([]);
        expect(verdict.returns).toBeGreaterThan(3);
        expect(verdict.ends['failed lease']).toBeGreaterThan(0);
      }
    },
    120_000 * ROUNDS,
  );

  const mutants: [name: string, play: Play][] = [
    [
      'a store without a fence',
      {
        mutate: (store) => ({
          append: async (lease, after, entries) => {
            const page = await store.read({ ...lease, after: 0, maxBytes: 0, follows: false });
            return store.append({ ...lease, epoch: page?.record.epoch ?? lease.epoch }, after, entries);
          },
        }),
      },
    ],
    [
      'a store that trims the last entry of an ended run',
      {
        mutate: (store) => ({
          read: async (read) => {
            const page = await store.read(read);
            if (page === undefined || page.record.state === 'running') return page;
            const record = { ...page.record, entries: page.record.entries - 1 };
            return {
              ...page,
              record,
              entries: page.entries.slice(0, Math.max(0, record.entries - read.after)),
            };
          },
        }),
      },
    ],
    [
      'a store that reads the state after the entries',
      {
        mutate: (store) => ({
          read: async (read) => {
            const before = await store.read(read);
            await pause(60);
            const page = await store.read(read);
            return (
              before && page && { ...before, record: { ...page.record, entries: before.record.entries } }
            );
          },
        }),
      },
    ],
    [
      'followers that listen after their first read',
      {
        listensLate: true,
        patienceMs: 6_000,
        mutate: (store) => ({
          onChange: (run, listener) => {
            // The first call tells of the subscription, and makes up for what was before it.
            let calls = 0;
            return store.onChange(run, (change) => void (calls++ > 0 && listener(change)));
          },
        }),
      },
    ],
  ];
  it.each(mutants)(
    'the oracle finds %s',
    async (_, options) => {
      // The fault shows where an entry and the end come within one read.
      let broken: readonly string[] = [];
      for (let attempts = 0; attempts < 8 && broken.length === 0; attempts++) {
        const seed = chosenSeed() + attempts;
        const few = { runs: 5, maxEntries: 60, followersPerRun: 6, leaseMs: 1_000, patienceMs: 8_000 };
        ({ broken } = await play({ ...few, ...options, seed }));
      }
      expect(broken).not.toEqual([]);
    },
    120_000,
  );
});
