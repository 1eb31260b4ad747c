import assert from 'node:assert/strict';
import { isAscending, numbers, textsOf, type CaseBody } from './contract-harness.js';

/** Events and history between nodes of one backend. */
export const sharedCases: Readonly<Record<string, CaseBody>> = {
  'whenCurrent, where there is one, settles after the delivery of what other nodes have published': async (
    harness,
  ) => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()] as const;
    const [receiver, ...publishers] = nodes;
    if (receiver.broker.whenCurrent === undefined) return;
    await receiver.subscribe('a');
    for (let round = 1; round <= 5; round++) {
      await Promise.all(publishers.map(async (node) => node.publish('a', 'stored')));
      await Promise.all(publishers.map(async (node) => node.publish('a', 'volatile', { volatile: true })));
      await receiver.broker.whenCurrent();
      assert.equal(receiver.received.length, 4 * round);
    }
  },

  'every node receives every event once, in the same order': async (harness) => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()];
    for (const node of nodes) await node.subscribe('a', 'b');
    await Promise.all(
      nodes.flatMap((node, n) => [
        node.publishMany('a', 100, `${n} `),
        node.publishMany(['b', 'a'], 20, `${n} both `),
      ]),
    );
    for (const [n, node] of nodes.entries()) {
      await node.receives(360);
      // Each node uses a room of its own: the other nodes must not receive its event.
      await node.settle(`c${n}`);
      assert.equal(node.received.length, 360);
      assert.ok(isAscending(node.positions), 'sorted by position');
      assert.deepEqual(node.texts, nodes[0]?.texts);
      assert.deepEqual(node.positions, nodes[0]?.positions);
    }
    assert.equal(
      new Set(nodes.map(({ broker }) => broker.epoch)).size,
      1,
      'all nodes of a backend have the same epoch',
    );
  },

  'an event accepted at one node is in history at another': async (harness) => {
    const writer = await harness.node();
    const reader = await harness.node();
    const [first] = await writer.publishMany('a', 5);
    for (let n = 5; n < 30; n++) {
      const { position } = await writer.publish('a', String(n));
      const page = await reader.read(['a'], first?.position);
      assert.deepEqual([textsOf(page), page.incompleteRooms], [numbers(n + 1).slice(1), []]);
      assert.ok(page.position >= position, 'the position of a page is not before its newest event');
    }
  },

  'a node that starts later reads earlier events': async (harness) => {
    const early = await harness.node();
    const [first, ...rest] = await early.publishMany('a', 10);
    const late = await harness.node();
    const page = await late.read(['a'], first?.position);
    assert.deepEqual([textsOf(page), page.incompleteRooms], [numbers(10).slice(1), []]);
    const { position } = await late.publish('a', 'next');
    assert.ok(position > (rest.at(-1)?.position as number));
  },

  'publishes with the same key at two nodes are one event': async (harness) => {
    const nodes = [await harness.node(), await harness.node()] as const;
    for (const node of nodes) await node.subscribe('a');
    const [first, second] = await Promise.all(
      nodes.map((node) => node.publish('a', 'once', { idempotencyKey: 'key' })),
    );
    assert.equal(first?.position, second?.position);
    assert.notEqual(first?.duplicate, second?.duplicate, 'exactly one of the two receipts is a duplicate');
    for (const node of nodes) {
      await node.settle('b');
      assert.deepEqual(node.texts, ['once']);
    }
  },

  'subscribing and reading while another node publishes misses no event': async (harness) => {
    const writer = await harness.node();
    const reader = await harness.node();
    for (const n of numbers(10)) {
      const room = `room ${n}`;
      const { position: start } = await writer.publish(room, 'start');
      const publishing = writer.publishMany(room, 50);
      await reader.broker.subscribe(room);
      const page = await reader.read([room], start);
      const last = (await publishing).at(-1)?.position as number;
      await reader.until(
        () => page.position >= last || reader.positions.includes(last),
        'the last event, read or delivered',
      );
      const received = reader.received.filter(
        (message) => message.position > page.position && message.rooms.includes(room),
      );
      assert.deepEqual(
        [...page.messages, ...received].map(({ data }) => data),
        numbers(50),
      );
      assert.deepEqual(page.incompleteRooms, []);
    }
  },

  'the position of a node is never ahead of the delivered events': async (harness) => {
    const writer = await harness.node();
    const reader = await harness.node();
    await reader.subscribe('a', 'b');
    const late: string[] = [];
    let known = 0;
    reader.onMessage = ({ position, data }) => {
      if (position <= known) late.push(data);
    };
    const publishing = Promise.all([
      writer.publishMany(['a', 'b'], 200),
      reader.publishMany(['b', 'a'], 200, 'own '),
    ]);
    await reader.until(() => {
      known = reader.broker.position;
      return reader.received.length >= 400;
    }, '400 messages');
    await publishing;
    assert.deepEqual(late, [], 'an event was delivered although `position` had already reached it');
  },

  'closing a node does not affect other nodes': async (harness) => {
    const [staying, leaving] = [await harness.node(), await harness.node()] as const;
    for (const node of [staying, leaving]) await node.subscribe('a');
    await leaving.publish('a', 'before the close');
    await leaving.broker.close();
    await staying.publish('a', 'after the close');
    await staying.receives(2);
    assert.deepEqual(staying.texts, ['before the close', 'after the close']);
    assert.equal((await staying.read(['a'], undefined, 5)).messages.length, 2);
  },
};
