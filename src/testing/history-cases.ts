import assert from 'node:assert/strict';
import type { HistoryPage } from '../broker/broker.interface.js';
import { isAscending, numbers, textsOf, type CaseBody } from './contract-harness.js';
import { assertCompletenessClaim } from './completeness-check.js';
import { randomHistory } from './random-history.js';

/** Reads of history, and the completeness that they report. */
export const historyCases: Readonly<Record<string, CaseBody>> = {
  'read returns the events after a position, and the position of the read': async (harness) => {
    const node = await harness.node();
    const receipts = await node.publishMany('a', 20);
    const page = await node.read(['a'], receipts[4]?.position);
    assert.deepEqual(textsOf(page), numbers(20).slice(5));
    assert.deepEqual(page.incompleteRooms, []);
    assert.equal(page.epoch, node.broker.epoch);
    assert.ok(page.position >= (receipts.at(-1)?.position as number));
    const { position } = await node.publish('a', 'later');
    assert.ok(position > page.position, 'an event published after the read has a greater position');
    const nothing = await node.read(['a'], position);
    assert.deepEqual([textsOf(nothing), nothing.incompleteRooms], [[], []]);
  },

  'read of several rooms returns each event once, sorted by position': async (harness) => {
    const node = await harness.node();
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
    assert.deepEqual(
      both?.rooms.toSorted(),
      ['a', 'b', 'c', 'd'],
      'an event in history names all of its rooms',
    );
  },

  'read in pages of bounded bytes returns the same events as one read, and ends each page between two positions':
    async (harness) => {
      const node = await harness.node();
      const start = (await node.publish('elsewhere', 'start')).position;
      const rooms = ['a', ['b', 'a'], 'b'];
      await Promise.all(
        numbers(60).map((text, n) =>
          node.publish(rooms[n % rooms.length] as string, text.padEnd(1_000, '.')),
        ),
      );
      const whole = await node.read(['a', 'b'], start);
      for (const maxBytes of [1, 5_000, 1_000_000]) {
        const pages = [await node.broker.read(['a', 'b'], start, 0, { maxBytes })];
        while (pages.at(-1)?.hasMore === true) {
          const { position } = pages.at(-1) as HistoryPage;
          assert.equal(
            pages.at(-1)?.messages.at(-1)?.position,
            position,
            'a cut page ends at its last event',
          );
          pages.push(await node.broker.read(['a', 'b'], position, 0, { maxBytes }));
          assert.ok(pages.length <= 61, 'each page has at least one event');
        }
        assert.deepEqual(pages.flatMap(textsOf), textsOf(whole));
        assert.deepEqual(
          pages.flatMap(({ incompleteRooms }) => incompleteRooms),
          [],
        );
      }
    },

  'a cut page reports the loss of a room that its events do not reach': async (harness) => {
    const node = await harness.node({ maxEvents: 10 });
    const start = (await node.publish('quiet', 'start')).position;
    for (const text of numbers(20)) await node.publish('quiet', text.padEnd(1_000, '.'));
    await node.publishMany('a', 2_000);
    const incomplete = new Set<string>();
    let page = await node.broker.read(['quiet', 'a'], start, 0, { maxBytes: 3_000 });
    for (const room of page.incompleteRooms) incomplete.add(room);
    while (page.hasMore === true) {
      page = await node.broker.read(['quiet', 'a'], page.position, 0, { maxBytes: 3_000 });
      for (const room of page.incompleteRooms) incomplete.add(room);
    }
    assert.ok(incomplete.has('a'), 'the events of the room that were trimmed are reported');
  },

  'a room without events is complete after a recent position': async (harness) => {
    const node = await harness.node();
    const { position } = await node.publish('a', 'somewhere');
    const page = await node.read(['a', 'silent'], position);
    assert.deepEqual([textsOf(page), page.incompleteRooms], [[], []]);
    await node.publish('silent', 'the first event');
    const next = await node.read(['a', 'silent'], position);
    assert.deepEqual([textsOf(next), next.incompleteRooms], [['the first event'], []]);
  },

  'read reports a trimmed room as incomplete, and no other room': async (harness) => {
    const node = await harness.node({ maxEvents: 10 });
    const quiet = await node.publish('quiet', 'still there');
    const [first] = await node.publishMany('a', 2_000);
    const page = await node.read(['quiet', 'a', 'silent'], quiet.position);
    assert.deepEqual(
      page.incompleteRooms,
      ['a'],
      'of 2,000 events far more than ten are stored, or a trimmed room is reported as complete',
    );
    const left = textsOf(page);
    assert.deepEqual(
      left,
      numbers(2_000).slice(-left.length),
      'the stored events are the newest ones, without a gap',
    );
    assert.ok(left.length >= 10, 'at least historyMaxEvents events are stored');
    assert.deepEqual((await node.read(['a'], first?.position)).incompleteRooms, ['a']);
    const ninth = page.messages.at(-10);
    const within = await node.read(['a'], ninth?.position);
    assert.deepEqual([textsOf(within), within.incompleteRooms], [numbers(2_000).slice(-9), []]);
  },

  'a room reported as complete misses no event: random rooms and reads': async (harness) => {
    const node = await harness.node({ maxEvents: 7 });
    await randomHistory(node, { seed: 20_261_122, rooms: 6, steps: 1_500 });
  },

  'a read of subscribed rooms covers all events up to its position, and the later ones are delivered': async (
    harness,
  ) => {
    const node = await harness.node({ maxEvents: 7, maxBytes: 40_000 });
    await randomHistory(node, { seed: 20_261_125, rooms: 6, steps: 1_500, subscribed: true });
  },

  'a room reported as complete misses no event: history bounded by bytes': async (harness) => {
    const node = await harness.node({ maxEvents: 1_000, maxBytes: 30_000 });
    await randomHistory(node, { seed: 7, rooms: 5, steps: 600, text: 'x'.repeat(500) });
  },

  'an expired event is returned or its room is incomplete, also after the room was removed': async (
    harness,
  ) => {
    const node = await harness.node({ maxAgeMs: 200 });
    const start = (await node.publish('elsewhere', 'start')).position;
    const { position } = await node.publish('a', 'short-lived');
    const published = [{ rooms: ['a'], text: 'short-lived', position }];
    const endMs = performance.now() + harness.timeouts.expiryWatchMs;
    let missed = 0;
    while (performance.now() < endMs) {
      const page = await node.read(['a'], start);
      assertCompletenessClaim(page, ['a'], start, published);
      missed += page.incompleteRooms.length;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(missed > 0, 'events are stored for historyMaxAgeMs, not much longer');
    // The room is created again: its first event must not count as the first one ever.
    const { position: again } = await node.publish('a', 'again');
    published.push({ rooms: ['a'], text: 'again', position: again });
    assertCompletenessClaim(await node.read(['a'], start), ['a'], start, published);
    assert.deepEqual((await node.read(['a'], position)).messages.at(-1)?.data, 'again');
  },

  'read returns the newest n events of each room, each event once, sorted by position': async (harness) => {
    const node = await harness.node();
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

  'a room without history delivers live, stores nothing and is never incomplete': async (harness) => {
    const node = await harness.node({ withoutHistory: ['now', 'also'] });
    await node.subscribe('now', 'stored');
    const start = (await node.publish('stored', 'start')).position;
    const receipt = await node.publish(['now', 'also'], 'gone');
    const both = await node.publish(['now', 'stored'], 'both');
    await node.receives(3);
    assert.equal(receipt.replayable, false);
    assert.equal(both.replayable, true, 'one of its rooms has history');
    assert.deepEqual(
      node.received.map(({ replayable }) => replayable),
      [true, false, true],
    );
    const page = await node.read(['now'], start);
    assert.deepEqual([textsOf(page), page.incompleteRooms], [[], []]);
    assert.deepEqual(textsOf(await node.read(['stored', 'now'], start)), ['both']);
    const ancient = await node.read(['now'], start - 3_600_000_000 * 24);
    assert.deepEqual(ancient.incompleteRooms, [], 'a room without history is never incomplete');
  },
};
