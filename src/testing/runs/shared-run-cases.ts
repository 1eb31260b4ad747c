import assert from 'node:assert/strict';
import { numbers, type CaseBody, type HarnessNode } from '../contract-harness.js';
import { LEASE, OTHER, page, RUN, runsOf, SHORT_LEASE_MS, start, summary } from './run-harness.js';

/**
 * Follows a run as a node does: listens, then reads after each call and at an interval.
 *
 * @returns the entries, once the run has ended
 */
async function follow(node: HarnessNode, run: string, epoch: string): Promise<string[]> {
  const found: string[] = [];
  let wake = (): void => {};
  const end = runsOf(node).onChange(run, () => wake());
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const { record, firstIndex, entries } = await page(node, {
        run,
        after: found.length,
        epoch,
        follows: true,
        maxBytes: 2_000,
      });
      if (entries.length > 0) assert.equal(firstIndex, found.length + 1);
      found.push(...entries);
      assert.ok(found.length <= record.entries, 'more entries than the record has');
      if (record.state !== 'running' && found.length >= record.entries) return found;
      if (found.length < record.entries) continue;
      const timer = setTimeout(wake, 500);
      await woken;
      clearTimeout(timer);
    }
  } finally {
    end();
  }
}

/** Runs between nodes of one backend. */
export const sharedRunCases: Readonly<Record<string, CaseBody>> = {
  'of starts on two nodes at once one starts the run, and the other one is told of it': async (harness) => {
    const nodes = [await harness.node(), await harness.node()] as const;
    for (let round = 0; round < 10; round++) {
      const run = `run ${round}`;
      const [left, right] = await Promise.all([
        start(nodes[0], { ...LEASE, run }),
        start(nodes[1], { ...OTHER, run }),
      ]);
      assert.equal(left.epoch, right.epoch);
      const lease = { run, epoch: left.epoch };
      const owner = nodes[left.epoch === LEASE.epoch ? 0 : 1];
      assert.equal((await runsOf(owner).append(lease, 0, ['a'])).accepted, true);
      for (const node of nodes) assert.deepEqual((await page(node, { run })).entries, ['a']);
    }
  },

  'followers on every node get each entry of a run once and in order, and its end': async (harness) => {
    const nodes = [await harness.node(), await harness.node()] as const;
    const texts = numbers(300).map((text) => `${text}`.padEnd(Number(text) % 50, 'ü'));
    await start(nodes[0]);
    const early = nodes.flatMap((node) => numbers(3).map(() => follow(node, RUN, LEASE.epoch)));
    const late: Promise<string[]>[] = [];
    for (let n = 0; n < texts.length;) {
      const part = texts.slice(n, n + 1 + (n % 5));
      await runsOf(nodes[0]).append(LEASE, n, part);
      n += part.length;
      if (n % 60 < 5) late.push(...nodes.map((node) => follow(node, RUN, LEASE.epoch)));
    }
    await runsOf(nodes[0]).end(LEASE, 'done');
    for (const found of await Promise.all([...early, ...late])) assert.deepEqual(found, texts);
    assert.deepEqual(await follow(nodes[1], RUN, LEASE.epoch), texts);
  },

  'each change of a run calls the listeners on every node': async (harness) => {
    const nodes = [await harness.node(), await harness.node()] as const;
    const calls = [0, 0];
    const ends = nodes.map((node, n) =>
      runsOf(node).onChange(RUN, () => (calls[n] = (calls[n] as number) + 1)),
    );
    const calledAfter = async (change: () => Promise<unknown>, name: string): Promise<void> => {
      // Earlier calls may still be under way.
      await new Promise((resolve) => setTimeout(resolve, 150));
      const before = [...calls];
      await change();
      await nodes[0].until(
        () => calls.every((count, n) => count > (before[n] as number)),
        `calls after ${name}: ${before.join()} to ${calls.join()}`,
      );
    };
    // The first calls may come before the listeners are known to the backend.
    await nodes[0].until(async () => {
      const { entries } = await start(nodes[0], LEASE);
      await runsOf(nodes[0]).append(LEASE, entries, ['x']);
      return calls.every((count) => count > 0);
    }, 'the first call');
    const { entries } = (await page(nodes[0])).record;
    await calledAfter(() => runsOf(nodes[0]).append(LEASE, entries, ['y']), 'an entry');
    await calledAfter(
      () => runsOf(nodes[1]).append(LEASE, entries + 1, ['z'.repeat(100_000)]),
      'a large entry',
    );
    await calledAfter(() => runsOf(nodes[1]).requestStop(RUN), 'a request to stop');
    await calledAfter(() => runsOf(nodes[0]).end(LEASE, 'stopped'), 'the end');
    await calledAfter(
      () => start(nodes[1], OTHER, { restart: true, leaseMs: SHORT_LEASE_MS }),
      'the restart',
    );
    for (const end of ends) end();
    await new Promise((resolve) => setTimeout(resolve, 150));
    const ended = [...calls];
    await runsOf(nodes[0]).end(OTHER, 'done');
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.deepEqual(calls, ended, 'a call after its end');
  },

  'a run outlives its node until its lease expires, and every node tells the same end': async (harness) => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()] as const;
    await start(nodes[0], LEASE, { leaseMs: SHORT_LEASE_MS });
    await runsOf(nodes[0]).append(LEASE, 0, ['a', 'b']);
    const following = follow(nodes[1], RUN, LEASE.epoch);
    await nodes[0].broker.close();
    assert.equal(summary((await page(nodes[1])).record), 'running - 2 from 1');
    assert.deepEqual(await following, ['a', 'b']);
    const [left, right] = [await page(nodes[1]), await page(nodes[2])];
    assert.equal(summary(left.record), 'failed lease 2 from 1');
    assert.deepEqual(left, right);
  },
};
