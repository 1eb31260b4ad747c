import assert from 'node:assert/strict';
import type { RunLease } from '../../broker/run-store.interface.js';
import { numbers, type CaseBody } from '../contract-harness.js';
import { LEASE, OTHER, page, pause, read, runsOf, SHORT_LEASE_MS, start, summary } from './run-harness.js';

/** Bounds of runs on one node: entries, bytes and times. */
export const runBoundsCases: Readonly<Record<string, CaseBody>> = {
  'the oldest entries beyond the number and the bytes are removed': async (harness) => {
    const node = await harness.node();
    await start(node, LEASE, { maxEntries: 5 });
    await runsOf(node).append(LEASE, 0, numbers(3));
    await runsOf(node).append(LEASE, 3, numbers(200, 'n'));
    await runsOf(node).append(LEASE, 203, ['last']);
    const { record, entries, firstIndex } = await page(node);
    assert.equal(summary(record), 'running - 204 from 200');
    assert.deepEqual([firstIndex, entries], [200, ['n196', 'n197', 'n198', 'n199', 'last']]);
    assert.deepEqual((await page(node, { after: 202, epoch: LEASE.epoch })).entries, ['n199', 'last']);

    const second = { ...OTHER, run: 'bytes' };
    await start(node, second, { maxBytes: 10 });
    for (let n = 0; n < 4; n++) await runsOf(node).append(second, n, [`${n}ü--`]);
    const kept = await page(node, { run: 'bytes' });
    assert.deepEqual([kept.firstIndex, kept.entries], [3, ['2ü--', '3ü--']]);
    await runsOf(node).append(second, 4, ['larger than the bound']);
    const newest = await page(node, { run: 'bytes' });
    assert.deepEqual([newest.firstIndex, newest.entries], [5, ['larger than the bound']]);
    assert.equal(summary(newest.record), 'running - 5 from 5');
    assert.equal(summary(await runsOf(node).end(second, 'done')), 'done - 5 from 5');
  },

  'a run has failed for every call once its lease has expired, and not while it is renewed': async (
    harness,
  ) => {
    const node = await harness.node();
    await start(node, LEASE, { leaseMs: 2 * SHORT_LEASE_MS });
    const expiring = ['read', 'append', 'renew', 'end', 'stop', 'start'].map((run) => ({ ...OTHER, run }));
    for (const lease of expiring) {
      await start(node, lease, { leaseMs: SHORT_LEASE_MS });
      await runsOf(node).append(lease, 0, ['a']);
    }
    for (const [n, renew] of ['entries', 'none', 'entries'].entries()) {
      await pause(0.75 * SHORT_LEASE_MS);
      const renewed = renew === 'none' ? runsOf(node).renew(LEASE) : runsOf(node).append(LEASE, n / 2, ['x']);
      assert.equal((await renewed).accepted, true, 'a lease that was renewed has expired');
    }
    assert.equal(summary((await page(node)).record), 'running - 2 from 1');

    const failed = 'failed lease 1 from 1';
    const [, ofAppend, ofRenew, ofEnd, , ofStart] = expiring as [
      RunLease,
      RunLease,
      RunLease,
      RunLease,
      RunLease,
      RunLease,
    ];
    const found = await page(node, { run: 'read', after: 0, epoch: OTHER.epoch, follows: true });
    assert.deepEqual([summary(found.record), found.entries], [failed, ['a']]);
    assert.equal((await runsOf(node).append(ofAppend, 1, ['b'])).accepted, false);
    assert.equal((await runsOf(node).renew(ofRenew)).accepted, false);
    assert.equal(summary(await runsOf(node).end(ofEnd, 'done')), failed);
    assert.equal(summary(await runsOf(node).requestStop('stop')), failed);
    assert.equal(summary(await start(node, { ...LEASE, run: 'start' })), failed);
    for (const { run } of expiring) assert.equal(summary((await page(node, { run })).record), failed);
    assert.equal((await start(node, { ...LEASE, run: 'start' }, { restart: true })).epoch, LEASE.epoch);
    assert.equal((await runsOf(node).append(ofStart, 1, ['b'])).accepted, false);
    assert.equal(summary((await page(node, { run: 'start' })).record), 'running - 0 from 1');
  },

  'a run is stored for the given time after its end': async (harness) => {
    const node = await harness.node();
    const short = { ...OTHER, run: 'short' };
    for (const lease of [LEASE, short]) await start(node, lease, { keepMs: lease === short ? 150 : 60_000 });
    for (const lease of [LEASE, short]) await runsOf(node).append(lease, 0, ['a']);
    await runsOf(node).end(short, 'done');
    await node.until(
      async () => (await read(node, { run: 'short' })) === undefined,
      'the removal of the run',
    );
    assert.equal(await runsOf(node).requestStop('short'), undefined);
    assert.equal((await start(node, short)).entries, 0);
    await runsOf(node).end(LEASE, 'done');
    assert.equal(summary((await page(node)).record), 'done - 1 from 1');
  },
};
