import assert from 'node:assert/strict';
import type { RunChange, RunPage } from '../../broker/run-store.interface.js';
import { numbers, type HarnessNode } from '../contract-harness.js';
import { LEASE, page, pause, RUN, runsOf, start } from './run-harness.js';

/** Time in which a call that must not come would have come, in milliseconds. */
const QUIET_MS = 60;

/**
 * Follows a run as a node does: listens, then reads after each call and at an interval.
 *
 * @returns the entries, once the run has ended
 */
export async function follow(node: HarnessNode): Promise<string[]> {
  const found: string[] = [];
  const brought: RunPage[] = [];
  let wake: (() => void) | undefined;
  const end = runsOf(node).onChange(RUN, (_change, entries) => {
    if (entries !== undefined) brought.push(entries);
    wake?.();
  });
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const from = { after: found.length, epoch: LEASE.epoch, follows: true, maxBytes: 2_000 };
      const { record, firstIndex, entries } = await page(node, from);
      if (record.entries > found.length) assert.ok(entries.length > 0, 'a page lacks an entry of its record');
      if (entries.length > 0) assert.equal(firstIndex, found.length + 1);
      found.push(...entries);
      assert.ok(found.length <= record.entries, 'a page has an entry that is not of its record');
      if (record.state !== 'running' && found.length === record.entries) {
        for (const each of brought) checkBrought(each, found);
        return found;
      }
      if (found.length < record.entries) continue;
      const timer = setTimeout(() => wake?.(), 500);
      await woken;
      clearTimeout(timer);
    }
  } finally {
    end();
  }
}

/** Checks entries that came with a change, which followers take in place of a read. */
function checkBrought({ record, firstIndex, entries }: RunPage, all: readonly string[]): void {
  assert.equal(record.epoch, LEASE.epoch);
  assert.ok(entries.length > 0 && firstIndex > 0, 'a change has brought a page without entries');
  assert.ok(
    record.entries >= firstIndex - 1 + entries.length,
    'a change has brought more than its record has',
  );
  assert.deepEqual(entries, all.slice(firstIndex - 1, firstIndex - 1 + entries.length));
}

/** Appends to a run on the first node, while followers join on all nodes. */
export async function followersGetAll(nodes: readonly [HarnessNode, ...HarnessNode[]]): Promise<void> {
  const [first] = nodes;
  const texts = numbers(300).map((text) => text.padEnd(Number(text) % 50, 'ü'));
  await start(first);
  const following: Promise<string[]>[] = [];
  const followOn = (node: HarnessNode): void => {
    const found = follow(node);
    found.catch(() => {});
    following.push(found);
  };
  for (const node of nodes) for (let n = 0; n < 3; n++) followOn(node);
  for (let n = 0; n < texts.length;) {
    const part = texts.slice(n, n + 1 + (n % 5));
    await runsOf(first).append(LEASE, n, part);
    n += part.length;
    if (n % 60 < 5) for (const node of nodes) followOn(node);
    if (n % 20 < 2) await pause(1);
  }
  await runsOf(first).end(LEASE, 'done');
  let results: string[][] | undefined;
  const all = Promise.all(following).then((found) => (results = found));
  // A broken store ends no follower, until it is closed.
  all.catch(() => {});
  await Promise.race([all, first.until(() => results !== undefined, 'the end of the run at each follower')]);
  for (const found of await all) assert.deepEqual(found, texts);
  for (const node of nodes) assert.deepEqual(await follow(node), texts);
}

/** Changes a run, and waits for the calls of listeners on all nodes. */
export async function listenersAreCalled(nodes: readonly [HarnessNode, ...HarnessNode[]]): Promise<void> {
  const [first] = nodes;
  const last = nodes.at(-1) ?? first;
  const calls: RunChange[][] = nodes.map(() => []);
  const ends = nodes.map((node, n) => runsOf(node).onChange(RUN, (change) => calls[n]?.push(change)));
  await start(first);
  let entries = 0;
  // The first calls may come before the backend knows the listeners.
  await first.until(async () => {
    ({ entries } = await runsOf(first).append(LEASE, entries, ['x']));
    return calls.every((each) => each.length > 0);
  }, 'the first call');
  const calledAfter = async (expected: RunChange, change: () => Promise<unknown>): Promise<void> => {
    for (const each of calls) each.length = 0;
    await change();
    await first.until(
      () => calls.every((each) => each.includes(expected)),
      () => `calls for "${expected}": ${JSON.stringify(calls)}`,
    );
  };
  await pause(QUIET_MS);
  await calledAfter('entries', () => runsOf(first).append(LEASE, entries, ['y']));
  await pause(QUIET_MS);
  await calledAfter('entries', () => runsOf(first).append(LEASE, entries + 1, ['z'.repeat(100_000)]));
  await calledAfter('stop', () => runsOf(last).requestStop(RUN));
  await calledAfter('end', () => runsOf(first).end(LEASE, 'stopped'));
  for (const end of ends) end();
  await pause(QUIET_MS);
  const again = nodes.map((node, n) => runsOf(node).onChange(RUN, (change) => calls[n]?.push(change)));
  // The first call of a listener may tell of its subscription.
  await pause(QUIET_MS);
  await calledAfter('entries', () => start(first, { ...LEASE, epoch: 'm'.repeat(16) }, { restart: true }));
  await runsOf(first).end({ ...LEASE, epoch: 'm'.repeat(16) }, 'done');
  for (const end of again) end();
  await pause(QUIET_MS);
  for (const each of calls) each.length = 0;
  const next = { ...LEASE, epoch: 'n'.repeat(16) };
  await start(first, next, { restart: true });
  await runsOf(first).append(next, 0, ['late']);
  await pause(QUIET_MS);
  assert.deepEqual(calls.flat(), [], 'a call after the end of the calls');
}
