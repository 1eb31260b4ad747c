import { describeWithRedis } from '../redis/redis-server.js';
import { Fleet } from './fleet.js';
import type { Mutant } from './node/messages.js';
import { runScenario, type ChaosVerdict } from './run-scenario.js';
import type { Scenario } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

/** Runs in which the oracle must find a fault at least once. */
const MAX_RUNS = 5;

/** Faults that the oracle must find, or its verdicts prove nothing. */
describeWithRedis('the oracle over three node processes catches a node that', () => {
  let fleet: Fleet;

  beforeAll(() => {
    fleet = new Fleet();
  });

  afterAll(() => fleet.dispose());

  it.each<[Mutant, Scenario, keyof ChaosVerdict]>([
    ['reads nothing after a cut', nodesWithoutSubscribers(), 'silentLosses'],
    ['ignores idempotency keys', scenarioOf('a node killed while it publishes'), 'duplicates'],
    ['reports no gaps', scenarioOf('history trimmed'), 'silentLosses'],
    ['announces no losses', scenarioOf('two masters at once'), 'silentLosses'],
    ['announces no losses', scenarioOf('two masters under Sentinels'), 'silentLosses'],
    ['announces no losses', scenarioOf('two masters of one slot of a Cluster'), 'silentLosses'],
    ['compares no lists', scenarioOf('two masters at once'), 'presenceDifferences'],
    ['emits each change as received', scenarioOf('two masters at once'), 'presenceRepeats'],
  ])(
    '%s',
    async (mutant, scenario, found) => {
      // A short run need not have the moment that shows the fault.
      let count = 0;
      for (let seed = 1; seed <= MAX_RUNS && count === 0; seed++) {
        const driver = scenario.drivers?.[0] ?? 'redis';
        const verdict = await runScenario(scenario, { fleet, driver, seed, durationMs: 0, mutant });
        count = verdict[found];
      }
      expect(count).toBeGreaterThan(0);
    },
    300_000,
  );
});

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`no scenario is called ${name}`);
  return scenario;
}

/** Cuts the subscribers of all nodes while events are accepted and some clients stay attached. */
function nodesWithoutSubscribers(): Scenario {
  return {
    name: 'subscribers unable to reconnect',
    gaps: 'none',
    broker: { connectTimeoutMs: 60_000 },
    fault: async ({ redis, proxies, traffic }) => {
      const attached = await traffic.holdAttached(4);
      for (const proxy of proxies) proxy.holdNew();
      await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await attached.published(10);
      for (const proxy of proxies) proxy.releaseNew();
      await attached.published(10);
      attached.release();
    },
  };
}
