import assert from 'node:assert/strict';
import { numbers, type CaseBody } from '../contract-harness.js';
import {
  BOUNDS,
  isClosedError,
  LEASE,
  OTHER,
  page,
  pause,
  read,
  RUN,
  runsOf,
  SHORT_LEASE_MS,
  start,
  summary,
} from './run-harness.js';

/** Runs on one node. */
export const runCases: Readonly<Record<string, CaseBody>> = {
  'a run has the entries that were appended, in their order, and then its end': async (harness) => {
    const node = await harness.node();
    assert.equal(await read(node), undefined, 'a run that never was');
    const started = await start(node);
    assert.equal(summary(started), 'running - 0 from 1');
    assert.equal(started.epoch, LEASE.epoch);
    const first = await runsOf(node).append(LEASE, 0, ['a', 'b']);
    assert.deepEqual([first.accepted, first.stop, first.entries], [true, false, 2]);
    assert.equal((await runsOf(node).append(LEASE, 2, ['c'])).entries, 3);
    const running = await page(node);
    assert.deepEqual([running.firstIndex, running.entries], [1, ['a', 'b', 'c']]);
    assert.equal(summary(running.record), 'running - 3 from 1');
    assert.equal(running.record.endedAtMs, undefined);
    const ended = await runsOf(node).end(LEASE, 'done');
    assert.equal(summary(ended), 'done - 3 from 1');
    const { record, entries } = await page(node);
    assert.deepEqual([record, entries], [ended, ['a', 'b', 'c']]);
    assert.ok((record.endedAtMs as number) >= record.startedAtMs);
    assert.ok(Math.abs(record.startedAtMs - Date.now()) < 3_600_000, 'times are milliseconds since 1970');
  },

  'entries are read unchanged, whatever their text and the name of the run': async (harness) => {
    const node = await harness.node();
    const texts = ['', ' ', '\0\n\r"\\/\u007f', 'zürich 🙂', '{}', '-', '0', 'x'.repeat(300_000)];
    for (const [n, run] of ['{tag}', 'a:b', 'a:e', ' ', 'zürich/🙂', '__proto__', '*', 'e:a'].entries()) {
      const lease = { run, epoch: `${n}`.repeat(16) };
      await start(node, lease);
      assert.equal((await runsOf(node).append(lease, 0, texts)).entries, texts.length);
      const { entries, record } = await page(node, { run });
      assert.deepEqual([entries, record.epoch], [texts, lease.epoch]);
    }
  },

  'a page ends at the wanted bytes, has at least one entry, and the next one goes on': async (harness) => {
    const node = await harness.node();
    await start(node);
    const texts = numbers(1_200).map((text) => `${text}`.padEnd(100 + (Number(text) % 7) * 300, 'ü'));
    for (let n = 0; n < texts.length; n += 400) await runsOf(node).append(LEASE, n, texts.slice(n, n + 400));
    const found: string[] = [];
    for (let pages = 0; found.length < texts.length; pages++) {
      assert.ok(pages < 400, 'pages without an end');
      const next = await page(node, { after: found.length, epoch: LEASE.epoch, maxBytes: 20_000 });
      assert.equal(next.firstIndex, found.length + 1);
      assert.ok(next.entries.length > 0, 'a page without entries');
      const before = next.entries.slice(0, -1).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
      assert.ok(before < 20_000, 'a page that is too large');
      found.push(...next.entries);
    }
    assert.deepEqual(found, texts);
    assert.deepEqual((await page(node, { after: 3, maxBytes: 0 })).entries, texts.slice(3, 4));
    assert.deepEqual((await page(node, { after: 1_200, epoch: LEASE.epoch })).entries, []);
  },

  'an index of another epoch is read from the first entry': async (harness) => {
    const node = await harness.node();
    await start(node);
    await runsOf(node).append(LEASE, 0, ['a', 'b', 'c']);
    const own = await page(node, { after: 2, epoch: LEASE.epoch });
    assert.deepEqual([own.firstIndex, own.entries], [3, ['c']]);
    const foreign = await page(node, { after: 2, epoch: OTHER.epoch });
    assert.deepEqual([foreign.firstIndex, foreign.entries], [1, ['a', 'b', 'c']]);
    const ahead = await page(node, { after: 9, epoch: LEASE.epoch });
    assert.deepEqual([ahead.entries, ahead.record.entries], [[], 3]);
  },

  'of many starts at once exactly one starts the run': async (harness) => {
    const node = await harness.node();
    const leases = numbers(20).map((n) => ({ run: RUN, epoch: n.padStart(16, 'e') }));
    const records = await Promise.all(leases.map((lease) => start(node, lease)));
    assert.equal(new Set(records.map(({ epoch }) => epoch)).size, 1);
    const progress = await Promise.all(leases.map((lease) => runsOf(node).append(lease, 0, [lease.epoch])));
    assert.equal(progress.filter(({ accepted }) => accepted).length, 1);
    assert.deepEqual((await page(node)).entries, [records[0]?.epoch]);
  },

  'an ended run is started again only with `restart`, and then without its entries': async (harness) => {
    const node = await harness.node();
    await start(node);
    await runsOf(node).append(LEASE, 0, ['old']);
    const other = await start(node, OTHER, { restart: true });
    assert.deepEqual([other.epoch, other.state], [LEASE.epoch, 'running'], 'a running run was replaced');
    await runsOf(node).end(LEASE, 'done');
    assert.equal((await start(node, OTHER)).epoch, LEASE.epoch);
    const restarted = await start(node, OTHER, { restart: true });
    assert.deepEqual([restarted.epoch, summary(restarted)], [OTHER.epoch, 'running - 0 from 1']);
    assert.equal((await runsOf(node).append(LEASE, 1, ['late'])).accepted, false);
    assert.equal((await runsOf(node).renew(LEASE)).accepted, false);
    assert.equal(await runsOf(node).end(LEASE, 'failed'), undefined);
    await runsOf(node).append(OTHER, 0, ['new']);
    const { entries, record } = await page(node, { after: 1, epoch: LEASE.epoch });
    assert.deepEqual([entries, summary(record)], [['new'], 'running - 1 from 1']);
  },

  'a call that is repeated has the effect of one': async (harness) => {
    const node = await harness.node();
    const started = await start(node);
    assert.deepEqual(await start(node), started);
    for (let n = 0; n < 3; n++)
      assert.equal((await runsOf(node).append(LEASE, 0, ['a', 'b'])).accepted, true);
    assert.deepEqual(await start(node, LEASE, { restart: true }), { ...started, entries: 2 });
    await runsOf(node).append(LEASE, 2, ['c']);
    const repeated = await runsOf(node).append(LEASE, 0, ['a', 'b']);
    assert.deepEqual([repeated.accepted, repeated.entries], [true, 3]);
    assert.deepEqual((await page(node)).entries, ['a', 'b', 'c']);
    const ended = await runsOf(node).end(LEASE, 'failed', 'deadline');
    assert.equal(summary(ended), 'failed deadline 3 from 1');
    assert.deepEqual(await runsOf(node).end(LEASE, 'done'), ended);
    assert.deepEqual(await start(node, LEASE, { restart: true }), ended);
    assert.equal((await runsOf(node).append(LEASE, 3, ['d'])).accepted, false);
    assert.deepEqual((await page(node)).entries, ['a', 'b', 'c']);
  },

  'entries before which others are missing are not stored, and the run fails': async (harness) => {
    const node = await harness.node();
    await start(node);
    await runsOf(node).append(LEASE, 0, ['a']);
    assert.equal((await runsOf(node).append(LEASE, 2, ['c'])).accepted, false);
    const { record, entries } = await page(node);
    assert.deepEqual([summary(record), entries], ['failed lost 1 from 1', ['a']]);
  },

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

  'a run whose lease has expired has failed for every call, and is not continued': async (harness) => {
    const node = await harness.node();
    const leases = ['read', 'append', 'renew', 'end', 'stop', 'start'].map((run) => ({ ...LEASE, run }));
    const [ofRead, ofAppend, ofRenew, ofEnd, ofStop, ofStart] = leases as [
      typeof LEASE,
      typeof LEASE,
      typeof LEASE,
      typeof LEASE,
      typeof LEASE,
      typeof LEASE,
    ];
    for (const lease of leases) {
      await start(node, lease, { leaseMs: SHORT_LEASE_MS });
      await runsOf(node).append(lease, 0, ['a']);
    }
    await pause(SHORT_LEASE_MS + 300);
    const failed = 'failed lease 1 from 1';
    assert.equal(summary((await page(node, { run: 'read', after: 0, epoch: LEASE.epoch })).record), failed);
    assert.equal((await runsOf(node).append(ofAppend, 1, ['b'])).accepted, false);
    assert.equal((await runsOf(node).renew(ofRenew)).accepted, false);
    assert.equal(summary(await runsOf(node).end(ofEnd, 'done')), failed);
    assert.equal(summary(await runsOf(node).requestStop('stop')), failed);
    assert.equal(summary(await start(node, { ...OTHER, run: 'start' })), failed);
    assert.equal((await start(node, { ...OTHER, run: 'start' }, { restart: true })).epoch, OTHER.epoch);
    for (const { run } of [ofRead, ofAppend, ofRenew, ofEnd, ofStop])
      assert.equal(summary((await page(node, { run })).record), failed);
    assert.equal((await runsOf(node).append(ofStart, 1, ['b'])).accepted, false);
    assert.equal(summary((await page(node, { run: 'start' })).record), 'running - 0 from 1');
  },

  'a lease that is renewed, by itself or with entries, does not expire': async (harness) => {
    const node = await harness.node();
    await start(node, LEASE, { leaseMs: 2_000 });
    for (let n = 0; n < 6; n++) {
      await pause(500);
      const { accepted } = await (n % 2 === 0
        ? runsOf(node).renew(LEASE)
        : runsOf(node).append(LEASE, (n - 1) / 2, ['x']));
      assert.equal(accepted, true);
    }
    assert.equal(summary((await page(node)).record), 'running - 3 from 1');
  },

  'a run is stored for the given time after its end': async (harness) => {
    const node = await harness.node();
    const short = { ...OTHER, run: 'short' };
    for (const lease of [LEASE, short]) await start(node, lease, { keepMs: lease === short ? 400 : 60_000 });
    for (const lease of [LEASE, short]) await runsOf(node).append(lease, 0, ['a']);
    await runsOf(node).end(short, 'done');
    assert.deepEqual((await page(node, { run: 'short' })).entries, ['a']);
    await node.until(
      async () => (await read(node, { run: 'short' })) === undefined,
      'the removal of the run',
    );
    assert.equal(await runsOf(node).requestStop('short'), undefined);
    assert.equal((await start(node, short)).entries, 0);
    await runsOf(node).end(LEASE, 'done');
    assert.equal(summary((await page(node)).record), 'done - 1 from 1');
  },

  'the producer learns a request to stop, and for how long no follower has read': async (harness) => {
    const node = await harness.node();
    await start(node);
    assert.equal(await runsOf(node).requestStop('another'), undefined);
    await pause(600);
    await page(node);
    const unwatched = await runsOf(node).renew(LEASE);
    assert.ok(unwatched.unwatchedMs >= 500, `${unwatched.unwatchedMs}`);
    assert.equal(unwatched.stop, false);
    await page(node, { follows: true });
    const { unwatchedMs } = await runsOf(node).append(LEASE, 0, ['a']);
    assert.ok(unwatchedMs < unwatched.unwatchedMs, `${unwatchedMs}`);
    assert.equal(summary(await runsOf(node).requestStop(RUN)), 'running - 1 from 1');
    assert.equal((await runsOf(node).renew(LEASE)).stop, true);
    assert.equal((await runsOf(node).append(LEASE, 1, ['b'])).stop, true);
    assert.equal(summary(await runsOf(node).end(LEASE, 'stopped')), 'stopped - 2 from 1');
    assert.equal(summary(await runsOf(node).requestStop(RUN)), 'stopped - 2 from 1');
  },

  'runs reject after close, and nothing is called anymore': async (harness) => {
    const node = await harness.node();
    await start(node);
    let calls = 0;
    const end = runsOf(node).onChange(RUN, () => calls++);
    await node.broker.close();
    const callsBefore = calls;
    await assert.rejects(async () => start(node), isClosedError);
    await assert.rejects(async () => runsOf(node).append(LEASE, 0, ['a']), isClosedError);
    await assert.rejects(async () => runsOf(node).renew(LEASE), isClosedError);
    await assert.rejects(async () => runsOf(node).end(LEASE, 'done'), isClosedError);
    await assert.rejects(async () => runsOf(node).requestStop(RUN), isClosedError);
    await assert.rejects(async () => read(node), isClosedError);
    assert.equal(calls, callsBefore);
    end();
    runsOf(node).onChange(RUN, () => calls++)();
  },

  'many entries of one call are stored in their order': async (harness) => {
    const node = await harness.node();
    await start(node, LEASE, { maxEntries: 20_000 });
    const texts = numbers(9_000).map((text) => text.padEnd(Number(text) % 100, '-'));
    const progress = await runsOf(node).append(LEASE, 0, texts);
    assert.deepEqual([progress.accepted, progress.entries], [true, texts.length]);
    const { entries } = await page(node, { maxBytes: BOUNDS.maxBytes });
    let found = entries;
    while (found.length < texts.length) {
      const more = (await page(node, { after: found.length, epoch: LEASE.epoch })).entries;
      assert.ok(more.length > 0);
      found = [...found, ...more];
    }
    assert.deepEqual(found, texts);
  },
};
