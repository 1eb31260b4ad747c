import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { seededRandom } from '../../../src/testing/seeded-random.js';
import { eventually, pause } from '../../support/within.js';
import { chosenChaosSeed } from '../../support/seeds.js';
import { expireLeases, leases, PresenceNode } from './presence-node.js';
import { describeWithRedis, RedisServer } from '../redis-server.js';

const seed = chosenChaosSeed();
const steps = process.env['SSE_CHAOS_MS'] === undefined ? 400 : 4_000;

/** Applies the changes in turn. @throws an error where a change does not fit those before it */
function membersAfter(changes: readonly string[]): Set<string> {
  const present = new Set<string>();
  for (const [index, change] of changes.entries()) {
    const [type, user = ''] = change.split(' ');
    const fits = type === 'join' ? !present.has(user) : present.has(user);
    if (!fits)
      throw new Error(`"${change}", the ${index}th change, cannot follow: ${changes.slice(0, index).join()}`);
    if (type === 'join') present.add(user);
    else present.delete(user);
  }
  return present;
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  `presence while users and nodes change at random, over %s (SSE_CHAOS_SEED=${seed})`,
  (driver) => {
    let server: RedisServer;
    const open = new Set<PresenceNode>();

    beforeEach(async () => {
      server = await RedisServer.start();
    });
    afterEach(async () => {
      for (const node of open) await node.broker.close();
      open.clear();
      await server.dispose();
    });

    const newNode = async (...rooms: string[]): Promise<PresenceNode> => {
      const node = new PresenceNode({ url: server.url, driver });
      open.add(node);
      return node.start(...rooms);
    };
    const closeNode = async (node: PresenceNode, graceMs: number | undefined): Promise<void> => {
      open.delete(node);
      if (graceMs === undefined) await node.crash();
      else await node.close(graceMs);
    };

    it(
      'ends with the true members, both in the list and in the sum of all reported changes',
      async () => {
        const random = seededRandom(seed);
        const below = (limit: number): number => Math.floor(random() * limit);
        // The observer has no users and no faults, so it receives every change.
        const observer = await newNode('a');
        let nodes: PresenceNode[] = await Promise.all([newNode(), newNode(), newNode()]);
        for (let step = 0; step < steps; step++) {
          const node = nodes[below(nodes.length)] as PresenceNode;
          node.setConnections(`user-${below(12)}`, random() < 0.4 ? undefined : below(3));
          const chance = random();
          if (chance < 0.02)
            await expireLeases(server, ...(await leases(server)).filter(() => random() < 0.4));
          else if (chance < 0.04) await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
          else if (chance < 0.05) await server.command('SCRIPT', 'FLUSH');
          else if (chance < 0.07) {
            nodes = nodes.filter((each) => each !== node);
            const before = await leases(server);
            await closeNode(node, random() < 0.5 ? undefined : below(30));
            if (random() < 0.5) await pause(below(20));
            // Expires the lease of the closed node at some time; other leases may expire with it.
            await expireLeases(server, ...before.filter(() => random() < 0.5));
            nodes.push(await newNode());
          }
          if (random() < 0.5) await pause(below(4));
        }
        await expireLeases(server);
        const truth = new Map<string, number>();
        for (const { users } of nodes) {
          for (const [user, connections] of users) truth.set(user, (truth.get(user) ?? 0) + connections);
        }
        await observer.waitForMembers(
          ...Array.from(truth, ([user, connections]) => `${user} ${connections}`),
        );
        await eventually(
          () => [...membersAfter(observer.changes)].toSorted().join() === [...truth.keys()].toSorted().join(),
          `the sum of the changes to be ${[...truth.keys()].toSorted().join()}`,
        );
        expect(observer.changes.length).toBeGreaterThan(5);
      },
      steps * 100 + 30_000,
    );
  },
);
