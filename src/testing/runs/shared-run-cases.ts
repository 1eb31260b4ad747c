import assert from 'node:assert/strict';
import type { CaseBody } from '../contract-harness.js';
import { follow, followersGetAll, listenersAreCalled } from './follow-cases.js';
import { LEASE, OTHER, page, runsOf, SHORT_LEASE_MS, start, summary } from './run-harness.js';

/** Runs between nodes of one backend. */
export const sharedRunCases: Readonly<Record<string, CaseBody>> = {
  'of starts on two nodes at once one starts the run, and the other one learns of it': async (harness) => {
    const nodes = [await harness.node(), await harness.node()] as const;
    for (let round = 0; round < 10; round++) {
      const run = `run ${round}`;
      const [left, right] = await Promise.all([
        start(nodes[0], { ...LEASE, run }),
        start(nodes[1], { ...OTHER, run }),
      ]);
      assert.equal(left.epoch, right.epoch);
      const owner = nodes[left.epoch === LEASE.epoch ? 0 : 1];
      const lease = { run, epoch: left.epoch };
      assert.equal((await runsOf(owner).append(lease, 0, ['a'])).accepted, true);
      for (const node of nodes) assert.deepEqual((await page(node, { run })).entries, ['a']);
    }
  },

  'followers on every node get each entry of a run once and in order, and its end': async (harness) => {
    await followersGetAll([await harness.node(), await harness.node()]);
  },

  'each change of a run calls the listeners on every node': async (harness) => {
    await listenersAreCalled([await harness.node(), await harness.node()]);
  },

  'a run whose node has gone has failed after its lease, and every node tells the same end': async (
    harness,
  ) => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()] as const;
    await start(nodes[0], LEASE, { leaseMs: SHORT_LEASE_MS });
    await runsOf(nodes[0]).append(LEASE, 0, ['a', 'b']);
    const following = follow(nodes[1]);
    await nodes[0].broker.close();
    assert.deepEqual(await following, ['a', 'b']);
    const [left, right] = [await page(nodes[1]), await page(nodes[2])];
    assert.equal(summary(left.record), 'failed lease 2 from 1');
    assert.deepEqual(left, right);
  },
};
