import { describeWithRedis } from '../redis/redis-server.js';
import type { Verdict } from '../redis/verdict.js';
import { Fleet } from './fleet.js';
import type { Mutant } from './node/messages.js';
import { play } from './play.js';
import { ROWS, type Row } from './rows.js';

/** The oracle is believed because it catches nodes that do this. */
describeWithRedis('the oracle over three node processes catches a node that', () => {
  let fleet: Fleet;

  beforeAll(() => {
    fleet = new Fleet();
  });

  afterAll(() => fleet.dispose());

  it.each<[Mutant, Row, keyof Verdict]>([
    ['reads nothing after a cut', deafNodes(), 'silentlyLost'],
    ['forgets the keys of publishes', rowOf('a node killed while it publishes'), 'duplicates'],
    ['keeps gaps to itself', rowOf('history trimmed'), 'silentlyLost'],
  ])(
    '%s',
    async (mutant, row, seen) => {
      const verdict = await play(row, { fleet, driver: 'redis', seed: 1, durationMs: 0, mutant });
      expect(verdict[seen]).toBeGreaterThan(0);
    },
    180_000,
  );
});

function rowOf(name: string): Row {
  const row = ROWS.find((one) => one.name === name);
  if (row === undefined) throw new Error(`no row is called ${name}`);
  return row;
}

/** No node hears Redis while events are accepted, and some clients stay with them: they can only be told afterwards. */
function deafNodes(): Row {
  return {
    name: 'nodes deaf for a while',
    gaps: 'none',
    broker: { connectTimeoutMs: 60_000 },
    fault: async ({ redis, proxies, traffic }) => {
      const still = await traffic.keepStill(4);
      for (const proxy of proxies) proxy.holdNew();
      await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await still.owed(10);
      for (const proxy of proxies) proxy.letIn();
      await still.owed(10);
      still.release();
    },
  };
}
