import assert from 'node:assert/strict';
import { numbers, type CaseBody } from '../contract-harness.js';
import { followersGetAll, listenersAreCalled } from './follow-cases.js';
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
  start,
  summary,
} from './run-harness.js';

/** Runs on one node. */
export const runCases: Readonly<Record<string, CaseBody>> = {
  'followers get each entry of a run once and in order, and its end': async (harness) => {
    await followersGetAll([await harness.node()]);
  },

  'each change of a run calls its listeners': async (harness) => {
    await listenersAreCalled([await harness.node()]);
  },

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
    const texts = numbers(1_200).map((text) => text.padEnd(100 + (Number(text) % 7) * 300, 'ü'));
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
    for (const after of [0, 1])
      assert.equal((await runsOf(node).append(LEASE, after, ['late'])).accepted, false);
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

  'entries before which others are missing are not stored': async (harness) => {
    const node = await harness.node();
    await start(node);
    await runsOf(node).append(LEASE, 0, ['a']);
    assert.equal((await runsOf(node).append(LEASE, 2, ['c'])).accepted, false);
    const { record, entries } = await page(node);
    assert.deepEqual([record.entries, entries], [1, ['a']]);
  },

  'the producer learns a request to stop, and for how long no follower has read': async (harness) => {
    const node = await harness.node();
    await start(node);
    assert.equal(await runsOf(node).requestStop('another'), undefined);
    await pause(300);
    await page(node);
    const unwatched = await runsOf(node).renew(LEASE);
    assert.ok(unwatched.unwatchedMs >= 250, `${unwatched.unwatchedMs}`);
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
