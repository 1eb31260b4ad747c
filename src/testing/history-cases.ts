import assert from 'node:assert/strict';
import { isAscending, numbers, textsOf, type CaseBody } from './contract-harness.js';
import { assertCompletenessClaim } from './completeness-check.js';
import { randomHistory } from './random-history.js';

/** What is remembered, and whether the broker knows what it does not remember. */
export const historyCases: Readonly<Record<string, CaseBody>> = {
  'read returns what came after a position, and its moment': async (bench) => {
    const node = await bench.node();
    const receipts = await node.publishMany('a', 20);
    const page = await node.read(['a'], receipts[4]?.position);
    assert.deepEqual(textsOf(page), numbers(20).slice(5));
    assert.deepEqual(page.incompleteRooms, []);
    assert.equal(page.epoch, node.broker.epoch);
    assert.ok(page.position >= (receipts.at(-1)?.position as number));
    const { position } = await node.publish('a', 'later');
    assert.ok(position > page.position, 'whatever is published after the read has a greater position');
    const nothing = await node.read(['a'], position);
    assert.deepEqual([textsOf(nothing), nothing.incompleteRooms], [[], []]);
  },

  'read of several rooms is ordered, each event once': async (bench) => {
    const node = await bench.node();
    const start = (await node.publish('elsewhere', 'start')).position;
    const rooms = ['a', ['b', 'a'], 'c', ['a', 'b', 'c', 'd'], 'b', 'd'];
    await Promise.all(numbers(120).map((text, n) => node.publish(rooms[n % rooms.length] as string, text)));
    const page = await node.read(['c', 'a', 'b'], start);
    assert.deepEqual(
      textsOf(page),
      numbers(120).filter((_, n) => rooms[n % rooms.length] !== 'd'),
    );
    assert.ok(isAscending(page.messages.map(({ position }) => position)));
    assert.deepEqual(page.incompleteRooms, []);
    const both = page.messages.find(({ data }) => data === '3');
    assert.deepEqual(both?.rooms.toSorted(), ['a', 'b', 'c', 'd'], 'an event remembers all of its rooms');
  },

  'a room that nothing was ever said in is complete after a recent position': async (bench) => {
    const node = await bench.node();
    const { position } = await node.publish('a', 'somewhere');
    const page = await node.read(['a', 'silent'], position);
    assert.deepEqual([textsOf(page), page.incompleteRooms], [[], []]);
    await node.publish('silent', 'the first word');
    const next = await node.read(['a', 'silent'], position);
    assert.deepEqual([textsOf(next), next.incompleteRooms], [['the first word'], []]);
  },

  'a read that finds less than there was says so, and for that room alone': async (bench) => {
    const node = await bench.node({ maxEvents: 10 });
    const quiet = await node.publish('quiet', 'still there');
    const [first] = await node.publishMany('a', 2_000);
    const page = await node.read(['quiet', 'a', 'silent'], quiet.position);
    assert.deepEqual(
      page.incompleteRooms,
      ['a'],
      'of 2,000 events far more than ten were kept, or one is missing',
    );
    const left = textsOf(page);
    assert.deepEqual(left, numbers(2_000).slice(-left.length), 'what is left is the newest, without a hole');
    assert.ok(left.length >= 10, 'at least historyMaxEvents are kept');
    assert.deepEqual((await node.read(['a'], first?.position)).incompleteRooms, ['a']);
    const ninth = page.messages.at(-10);
    const within = await node.read(['a'], ninth?.position);
    assert.deepEqual([textsOf(within), within.incompleteRooms], [numbers(2_000).slice(-9), []]);
  },

  'random rooms and reads: complete means complete': async (bench) => {
    const node = await bench.node({ maxEvents: 7 });
    await randomHistory(node, { seed: 20_261_122, rooms: 6, steps: 1_500 });
  },

  'of rooms that a node hears it reads all up to a moment, and hears the rest': async (bench) => {
    const node = await bench.node({ maxEvents: 7, maxBytes: 40_000 });
    await randomHistory(node, { seed: 20_261_125, rooms: 6, steps: 1_500, heard: true });
  },

  'memory bounded by bytes: complete means complete': async (bench) => {
    const node = await bench.node({ maxEvents: 1_000, maxBytes: 30_000 });
    await randomHistory(node, { seed: 7, rooms: 5, steps: 600, text: 'x'.repeat(500) });
  },

  'an expired event is returned or missed aloud, also once its room is forgotten': async (bench) => {
    const node = await bench.node({ maxAgeMs: 200 });
    const start = (await node.publish('elsewhere', 'start')).position;
    const { position } = await node.publish('a', 'short-lived');
    const published = [{ rooms: ['a'], text: 'short-lived', position }];
    const endMs = performance.now() + bench.times.expiryWatchMs;
    let missed = 0;
    while (performance.now() < endMs) {
      const page = await node.read(['a'], start);
      assertCompletenessClaim(page, ['a'], start, published);
      missed += page.incompleteRooms.length;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(missed > 0, 'events are kept for historyMaxAgeMs, not much longer');
    // The room begins anew: its first event must not pass for the first there ever was.
    const { position: again } = await node.publish('a', 'again');
    published.push({ rooms: ['a'], text: 'again', position: again });
    assertCompletenessClaim(await node.read(['a'], start), ['a'], start, published);
    assert.deepEqual((await node.read(['a'], position)).messages.at(-1)?.data, 'again');
  },

  'the newest n of each room, ordered, each once': async (bench) => {
    const node = await bench.node();
    await node.publishMany('a', 10, 'a');
    await node.publish(['a', 'b'], 'both');
    await node.publishMany('b', 10, 'b');
    const newest = async (rooms: string[], n: number): Promise<string[]> =>
      textsOf(await node.read(rooms, undefined, n));
    assert.deepEqual(await newest(['a'], 3), ['a8', 'a9', 'both']);
    assert.deepEqual(await newest(['b', 'a'], 2), ['a9', 'both', 'b8', 'b9']);
    assert.deepEqual(await newest(['a', 'b'], 11), [
      ...numbers(10, 'a').slice(0),
      'both',
      ...numbers(10, 'b'),
    ]);
    assert.deepEqual(await newest(['a'], 1_000), [...numbers(10, 'a'), 'both']);
    assert.deepEqual(await newest(['a'], 0), []);
    assert.deepEqual(await newest(['silent'], 5), []);
  },

  'a room without history is heard, not kept and never incomplete': async (bench) => {
    const node = await bench.node({ forgotten: ['now', 'also'] });
    await node.subscribe('now', 'kept');
    const start = (await node.publish('kept', 'start')).position;
    const receipt = await node.publish(['now', 'also'], 'gone');
    const both = await node.publish(['now', 'kept'], 'both');
    await node.hears(3);
    assert.equal(receipt.replayable, false);
    assert.equal(both.replayable, true, 'one of its rooms is remembered');
    assert.deepEqual(
      node.heard.map(({ replayable }) => replayable),
      [true, false, true],
    );
    const page = await node.read(['now'], start);
    assert.deepEqual([textsOf(page), page.incompleteRooms], [[], []]);
    assert.deepEqual(textsOf(await node.read(['kept', 'now'], start)), ['both']);
    const ancient = await node.read(['now'], start - 3_600_000_000 * 24);
    assert.deepEqual(ancient.incompleteRooms, [], 'what is never kept is never missed');
  },
};
